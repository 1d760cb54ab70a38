// Partitions of a cartridge by the typed API: asking for them, formatting, moving among them.
#include "scsi/tape_cdb.h"
#include "tape/initiator/command_name.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::tape {
namespace {

// Where the fields of the medium partition page lie in its body (SSC-4 table 136).
constexpr std::size_t kAdditionalAt = 1;
constexpr std::size_t kFlagsAt = 2;
constexpr std::size_t kUnitsAt = 4;
constexpr std::size_t kSizesAt = 6;
constexpr std::size_t kBodyOfTwo = 10;
constexpr std::uint8_t kByInitiatorInUnits = 0x38;  // IDP, PSUM 11b
constexpr std::uint8_t kKept = 0x04;                // POFM is the drive's

void put16(Bytes& body, std::size_t at, std::uint16_t value) {
  copy_bytes(MutableByteView(body).subspan(at), ByteWriter().u16(value).view());
}

}  // namespace

TapeStatus TapeDrive::locate_in(std::uint8_t partition, std::uint64_t logical_object) {
  const scsi::Locate cdb{.change_partition = true, .partition = partition, .identifier = logical_object};
  return plain(cdb.encode(), timeouts_.motion);
}

TapeStatus TapeDrive::format(Layout layout) {
  return plain(scsi::FormatMedium{.format = static_cast<std::uint8_t>(layout)}.encode(), timeouts_.erase);
}

TapeStatus TapeDrive::ask_for_partitions(std::uint16_t first, std::uint16_t second, std::uint8_t power) {
  auto parameters = TRY(mode_sense(scsi::mode_page::kMediumPartition));
  const auto* page = parameters.find(scsi::mode_page::kMediumPartition);
  if (page == nullptr || page->body.size() < kBodyOfTwo || page->body[0] == 0) {
    TapeError error{.fault = TapeFault::kIllegalRequest, .command = "MODE SENSE"};
    error.transport = fail(ErrorCode::kUnsupported, "the drive makes no second partition of this cartridge",
                           "partitions", "use another drive or cartridge")
                          .error();
    return std::unexpected(std::move(error));
  }
  Bytes body = page->body;
  body[kAdditionalAt] = 1;
  body[kFlagsAt] = static_cast<std::uint8_t>(kByInitiatorInUnits | (body[kFlagsAt] & kKept));
  body[kUnitsAt] = power;
  put16(body, kSizesAt, first);
  put16(body, kSizesAt + 2, second);
  parameters.write_protected = false;
  parameters.pages = {{scsi::mode_page::kMediumPartition, std::move(body)}};
  return mode_select(parameters);
}

}  // namespace tapewarden::tape

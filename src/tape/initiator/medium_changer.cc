#include "tape/initiator/medium_changer.h"

#include <algorithm>

#include "scsi/mode.h"
#include "tape/initiator/command_name.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint16_t kInquiryLimit = 1024;
constexpr std::uint16_t kModeLimit = 255;
constexpr std::uint32_t kStatusLimit = 64U << 10;
// With tag and the longest identifier a descriptor has 307 bytes.
constexpr std::uint16_t kElementsInOnePiece = 200;
constexpr int kMaxAttentions = 64;

std::string_view name_of(ByteView cdb) {
  const auto* format = cdb.empty() ? nullptr : scsi::find_changer_cdb_format(cdb[0]);
  return format != nullptr ? format->name : command_name(cdb);
}

std::unexpected<TapeError> not_understood(ByteView cdb, Error error) {
  return std::unexpected(malformed(std::move(error), name_of(cdb)));
}

std::unexpected<TapeError> not_understood(ByteView cdb, std::string message, std::string field) {
  return not_understood(cdb, fail(ErrorCode::kCorrupt, std::move(message), std::move(field)).error());
}

template <typename T>
TapeResult<T> understood(ByteView cdb, Result<T> value) {
  if (!value) return not_understood(cdb, std::move(value).error());
  return *std::move(value);
}

// The elements that were asked for, each once and in ascending order, whatever the pages' order is.
bool are_those(const std::vector<scsi::ElementDescriptor>& elements, const scsi::ElementRange& wanted) {
  if (elements.size() != wanted.count) return false;
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (elements[i].address != wanted.first + i) return false;
  return true;
}

}  // namespace

TapeResult<TransportAnswer> MediumChanger::run(ByteView cdb, std::size_t data_in_limit,
                                               std::chrono::milliseconds timeout) {
  auto answer = transport_.execute(cdb, {}, data_in_limit, timeout);
  if (!answer) return std::unexpected(transport_error(std::move(answer).error(), name_of(cdb)));
  if (answer->status != scsi::ScsiStatus::kGood)
    return std::unexpected(tape_error(answer->status, answer->sense, name_of(cdb)));
  return *std::move(answer);
}

TapeStatus MediumChanger::plain(ByteView cdb, std::chrono::milliseconds timeout) {
  (void)TRY(run(cdb, 0, timeout));
  return {};
}

TapeStatus MediumChanger::test_ready() {
  return plain(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), timeouts_.quick);
}

TapeResult<std::vector<scsi::SenseCode>> MediumChanger::drain_attentions() {
  std::vector<scsi::SenseCode> seen;
  for (int i = 0; i < kMaxAttentions; ++i) {
    const auto ready = test_ready();
    if (ready) return seen;
    if (ready.error().fault == TapeFault::kTransport) return std::unexpected(ready.error());
    if (ready.error().fault != TapeFault::kUnitAttention) return seen;
    seen.push_back(ready.error().sense.code);
  }
  return seen;
}

TapeResult<scsi::StandardInquiry> MediumChanger::inquiry() {
  const auto cdb = scsi::Inquiry{.allocation_length = kInquiryLimit}.encode();
  const auto answer = TRY(run(cdb, kInquiryLimit, timeouts_.quick));
  auto data = TRY(understood(cdb, scsi::StandardInquiry::decode(answer.data_in)));
  if (data.device_type != scsi::kChangerDeviceType)
    return std::unexpected(TapeError{.command = "INQUIRY: the device is no medium changer"});
  return data;
}

TapeResult<std::string> MediumChanger::serial_number() {
  const auto cdb = scsi::Inquiry{.vital_product_data = true,
                                 .page = scsi::vpd::kUnitSerialNumber,
                                 .allocation_length = kInquiryLimit}
                       .encode();
  const auto answer = TRY(run(cdb, kInquiryLimit, timeouts_.quick));
  return std::string(
      as_text(TRY(understood(cdb, scsi::vpd_page_content(answer.data_in, scsi::vpd::kUnitSerialNumber)))));
}

TapeResult<scsi::ElementAddressAssignment> MediumChanger::layout() {
  constexpr auto kPage = scsi::mode_page::kElementAddressAssignment;
  const auto cdb =
      scsi::ModeSense{.disable_block_descriptor = true, .page = kPage, .allocation_length = kModeLimit}
          .encode();
  const auto answer = TRY(run(cdb, kModeLimit, timeouts_.quick));
  const auto parameters = TRY(understood(cdb, scsi::ModeParameters::decode(answer.data_in, false)));
  const auto* page = parameters.find(kPage);
  if (page == nullptr) return not_understood(cdb, "the page is missing", "mode page");
  auto layout = TRY(understood(cdb, scsi::ElementAddressAssignment::decode(*page)));
  if (auto checked = layout.check(); !checked) return not_understood(cdb, std::move(checked).error());
  return layout;
}

TapeResult<std::vector<scsi::ElementDescriptor>> MediumChanger::piece(scsi::ElementType type,
                                                                      const scsi::ElementRange& wanted,
                                                                      StatusOptions options) {
  const auto cdb = scsi::ReadElementStatus{.volume_tags = true,
                                           .type = type,
                                           .first = wanted.first,
                                           .count = wanted.count,
                                           .current_data = options.current_data,
                                           .device_ids = options.device_ids,
                                           .allocation_length = kStatusLimit}
                       .encode();
  const auto answer = TRY(run(cdb, kStatusLimit, timeouts_.status));
  auto data = TRY(understood(cdb, scsi::ElementStatusData::decode(answer.data_in)));
  std::vector<scsi::ElementDescriptor> elements;
  for (auto& page : data.pages) {
    if (page.type != type) return not_understood(cdb, "elements of another type", "element type code");
    std::ranges::move(page.descriptors, std::back_inserter(elements));
  }
  if (!are_those(elements, wanted))
    return not_understood(cdb, "not the elements that were asked for", "element address");
  return elements;
}

TapeResult<std::vector<scsi::ElementDescriptor>> MediumChanger::elements(
    const scsi::ElementAddressAssignment& layout, scsi::ElementType type, StatusOptions options) {
  const auto& range = layout.range_of(type);
  std::vector<scsi::ElementDescriptor> all;
  for (std::uint32_t done = 0; done < range.count; done += kElementsInOnePiece) {
    const auto count = std::min<std::uint32_t>(kElementsInOnePiece, range.count - done);
    const scsi::ElementRange wanted{static_cast<std::uint16_t>(range.first + done),
                                    static_cast<std::uint16_t>(count)};
    std::ranges::move(TRY(piece(type, wanted, options)), std::back_inserter(all));
  }
  return all;
}

TapeStatus MediumChanger::initialize() {
  return plain(scsi::InitializeElementStatus{}.encode(), timeouts_.inventory);
}

TapeStatus MediumChanger::move(std::uint16_t source, std::uint16_t destination) {
  return plain(scsi::MoveMedium{.source = source, .destination = destination}.encode(), timeouts_.motion);
}

TapeStatus MediumChanger::exchange(std::uint16_t source, std::uint16_t first_destination,
                                   std::uint16_t second_destination) {
  return plain(
      scsi::ExchangeMedium{
          .source = source, .first_destination = first_destination, .second_destination = second_destination}
          .encode(),
      timeouts_.motion);
}

TapeStatus MediumChanger::prevent_removal(bool prevent) {
  return plain(scsi::PreventAllow{prevent}.encode(), timeouts_.quick);
}

}  // namespace tapewarden::tape

// What the RAM disk says about itself: inquiry data, mode pages, commands (SPC-4 sections 6 and 7, SBC-3
// section 6).
#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "scsi/fields.h"
#include "scsi/inquiry.h"
#include "scsi/operation_codes.h"
#include "scsi/ram_disk_table.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {

namespace {

constexpr std::uint8_t kDiskType = 0x00;
constexpr std::uint8_t kBlockLimits = 0xb0;
constexpr std::uint8_t kBlockCharacteristics = 0xb1;
constexpr std::uint8_t kProvisioning = 0xb2;
constexpr std::uint8_t kVpdPages[] = {vpd::kSupportedPages,       vpd::kUnitSerialNumber,
                                      vpd::kDeviceIdentification, kBlockLimits,
                                      kBlockCharacteristics,      kProvisioning};
constexpr std::uint16_t kNotRotating = 1;  // MEDIUM ROTATION RATE of a device without a spindle
constexpr std::uint8_t kCachingPage = 0x08;
constexpr std::uint8_t kControlPage = 0x0a;
constexpr std::uint8_t kAllPages = 0x3f;
constexpr std::uint8_t kDpoFua = 0x10;
// Version descriptors (SPC-4 table 145): SAM-5, SPC-4, SBC-3, iSCSI, each without a claim to a revision.
constexpr std::uint16_t kStandards[] = {0x00a0, 0x0460, 0x04c0, 0x0960};

Response cut(Bytes data, std::size_t allocation) {
  data.resize(std::min(data.size(), allocation));
  return good(std::move(data));
}

Bytes mode_page(std::uint8_t code, std::uint8_t control) {
  ByteWriter out;
  if (code == kCachingPage) {
    out.u8(kCachingPage).u8(0x12).u8(control == 1 ? 0 : 0x04).zeros(17);  // WCE: nothing is ever written back
  } else {
    out.u8(kControlPage).u8(0x0a).zeros(10);
  }
  return out.take();
}

}  // namespace

Bytes RamDisk::vpd_page(std::uint8_t page) const {
  ByteWriter out;
  switch (page) {
    case vpd::kSupportedPages:
      out.bytes(kVpdPages);
      break;
    case vpd::kUnitSerialNumber:
      out.text(serial_);
      break;
    case vpd::kDeviceIdentification:
      out.bytes(encode_designators({{.code = DesignatorCode::kAscii,
                                     .kind = DesignatorKind::kVendorId,
                                     .value = to_bytes("TWARDEN RAM " + serial_)}}));
      break;
    case kBlockLimits:
      out.u8(0).u8(128).u16(8).u32(kRamDiskMaxTransferBlocks).u32(64).zeros(48);
      break;
    case kBlockCharacteristics:
      out.u16(kNotRotating).zeros(58);
      break;
    default:
      out.zeros(4);  // fully provisioned, nothing can be unmapped
      break;
  }
  return encode_vpd_page(kDiskType, page, out.view());
}

RamDisk::Reply RamDisk::inquiry(const Command& command) {
  const auto page = command.cdb[2];
  const auto allocation = u16_at(command.cdb, 3);
  if (bit_at(command.cdb, 1, 0)) {
    if (std::ranges::find(kVpdPages, page) == std::end(kVpdPages)) return invalid_in_cdb(2);
    return cut(vpd_page(page), allocation);
  }
  if (page != 0) return invalid_in_cdb(2);
  const StandardInquiry standard{.device_type = kDiskType,
                                 .removable = false,
                                 .vendor = "TWARDEN",
                                 .product = "RAM DISK",
                                 .revision = "0001"};
  ByteWriter out;
  out.bytes(standard.encode()).zeros(22);
  for (const auto code : kStandards) out.u16(code);
  out.zeros(96 - out.size());
  auto data = out.take();
  data[4] = static_cast<std::uint8_t>(data.size() - 5);
  return cut(std::move(data), allocation);
}

RamDisk::Reply RamDisk::mode_sense(const Command& command) {
  const bool ten = command.cdb.size() == 10;
  const auto control = bits_at(command.cdb, 2, 6, 2);
  const auto page = bits_at(command.cdb, 2, 0, 6);
  if (control == 3) return check(sense_codes::kSavingNotSupported);
  if (command.cdb[3] != 0 && command.cdb[3] != 0xff) return invalid_in_cdb(3);
  if (page != kCachingPage && page != kControlPage && page != kAllPages) return invalid_in_cdb(2, 5);
  ByteWriter pages;
  for (const auto code : {kCachingPage, kControlPage})
    if (page == code || page == kAllPages) pages.bytes(mode_page(code, control));
  ByteWriter out;
  if (ten)
    out.u16(static_cast<std::uint16_t>(pages.size() + 6)).u8(0).u8(kDpoFua).zeros(4);
  else
    out.u8(static_cast<std::uint8_t>(pages.size() + 3)).u8(0).u8(kDpoFua).u8(0);
  out.bytes(pages.view());
  return cut(out.take(), ten ? u16_at(command.cdb, 7) : command.cdb[4]);
}

// SPC-4 section 6.35: all commands, or one.
RamDisk::Reply RamDisk::report_opcodes(const Command& command) {
  static const auto formats = [] {
    std::vector<CdbFormat> all;
    std::ranges::transform(table(), std::back_inserter(all), &Entry::format);
    return all;
  }();
  std::vector<ReportedCommand> commands;
  for (const auto& format : formats) commands.push_back({.format = &format});
  return report_operation_codes(commands, command);
}

}  // namespace tapewarden::scsi

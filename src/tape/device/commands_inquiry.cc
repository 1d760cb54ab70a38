// INQUIRY: the standard data and the vital product data pages (SPC-4 sections 6.4 and 7.8, SSC-4
// section 8.4).
#include "scsi/fields.h"
#include "scsi/inquiry.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {
namespace {

std::string product_of(const DriveState& drive) {
  if (!drive.options.product.empty()) return drive.options.product;
  return drive.identity->facts().kind == MediumKind::kLto ? "VIRTUAL LTO" : "VIRTUAL 3592";
}

Bytes device_identification(const DriveState& drive, scsi::NexusId nexus) {
  using Code = scsi::DesignatorCode;
  using Kind = scsi::DesignatorKind;
  ByteWriter name;
  name.padded(drive.options.vendor, 8).padded(product_of(drive), 16).text(drive.identity->serial());
  std::vector<scsi::Designator> designators{{Code::kAscii, Kind::kVendorId, false, name.take()}};
  if (const auto wwnn = drive.identity->facts().world_wide_node_name; wwnn != 0)
    designators.push_back({Code::kBinary, Kind::kNaa, false, ByteWriter().u64(wwnn).take()});
  if (const auto port = drive.target_ports.find(nexus); port != drive.target_ports.end()) {
    constexpr std::size_t kMaxName = 252;
    ByteWriter text;
    text.text(port->second.substr(0, kMaxName - 1)).u8(0);
    while (text.size() % 4 != 0) text.u8(0);
    designators.push_back({Code::kUtf8, Kind::kScsiName, true, text.take()});
    designators.push_back({Code::kBinary, Kind::kRelativePort, true, ByteWriter().u32(1).take()});
  }
  return scsi::encode_designators(designators);
}

// SPC-4 section 7.8.5: SPT 001b (a tape with logical block protection), SIMPSUP.
Bytes extended_inquiry() {
  return ByteWriter().u8(0x08).u8(0x01).zeros(58).take();
}

// SSC-4 section 8.4.7: one descriptor a method; nothing, and CRC-32C on writing and reading.
Bytes block_protection_methods() {
  ByteWriter out;
  out.u8(7).u8(BlockProtection::kNone).u8(0).u8(0).zeros(4);
  out.u8(7).u8(BlockProtection::kCrc32c).u8(kGuardBytes).u8(0xc0).zeros(4);
  return out.take();
}

std::vector<std::uint8_t> supported_pages(const DriveState& drive) {
  std::vector<std::uint8_t> pages{scsi::vpd::kSupportedPages,       scsi::vpd::kUnitSerialNumber,
                                  scsi::vpd::kDeviceIdentification, scsi::vpd::kExtendedInquiry,
                                  scsi::vpd::kSequentialAccess,     scsi::vpd::kManufacturerSerial,
                                  scsi::vpd::kTapeAlertFlags};
  if (!drive.options.library_serial.empty()) pages.push_back(scsi::vpd::kAutomationSerial);
  pages.push_back(scsi::vpd::kBlockProtection);
  return pages;
}

scsi::Outcome<Bytes> page_content(const DriveState& drive, scsi::NexusId nexus, std::uint8_t page) {
  switch (page) {
    case scsi::vpd::kSupportedPages:
      return supported_pages(drive);
    case scsi::vpd::kUnitSerialNumber:
    case scsi::vpd::kManufacturerSerial:
      return to_bytes(drive.identity->serial());
    case scsi::vpd::kDeviceIdentification:
      return device_identification(drive, nexus);
    case scsi::vpd::kExtendedInquiry:
      return extended_inquiry();
    case scsi::vpd::kSequentialAccess:
      return Bytes{0x01, 0x00};  // WORM media can be mounted
    case scsi::vpd::kTapeAlertFlags:
      return ByteWriter().u64(TapeAlerts::supported()).take();
    case scsi::vpd::kAutomationSerial:
      if (!drive.options.library_serial.empty()) return to_bytes(drive.options.library_serial);
      return scsi::invalid_in_cdb(2);
    case scsi::vpd::kBlockProtection:
      return block_protection_methods();
    default:
      return scsi::invalid_in_cdb(2);
  }
}

}  // namespace

scsi::Outcome<scsi::Response> inquiry(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Inquiry::decode(command.cdb));
  if (cdb.vital_product_data)
    return good_cut(scsi::encode_vpd_page(scsi::kTapeDeviceType, cdb.page,
                                          TRY(page_content(drive, command.nexus, cdb.page))),
                    cdb.allocation_length);
  const scsi::StandardInquiry data{.vendor = drive.options.vendor,
                                   .product = product_of(drive),
                                   .revision = drive.options.revision,
                                   .protect = true};
  return good_cut(data.encode(), cdb.allocation_length);
}

}  // namespace tapewarden::tape

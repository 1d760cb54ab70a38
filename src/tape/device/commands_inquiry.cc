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

Bytes device_identification(const DriveState& drive) {
  ByteWriter name;
  name.padded(drive.options.vendor, 8).padded(product_of(drive), 16).text(drive.identity->serial());
  std::vector<scsi::Designator> designators{
      {scsi::DesignatorCode::kAscii, scsi::DesignatorKind::kVendorId, false, name.take()}};
  if (const auto wwnn = drive.identity->facts().world_wide_node_name; wwnn != 0)
    designators.push_back(
        {scsi::DesignatorCode::kBinary, scsi::DesignatorKind::kNaa, false, ByteWriter().u64(wwnn).take()});
  return scsi::encode_designators(designators);
}

scsi::Outcome<Bytes> vital_product_data(const DriveState& drive, std::uint8_t page) {
  switch (page) {
    case scsi::vpd::kSupportedPages: {
      constexpr std::array<std::uint8_t, 4> kPages = {
          scsi::vpd::kSupportedPages, scsi::vpd::kUnitSerialNumber, scsi::vpd::kDeviceIdentification,
          scsi::vpd::kSequentialAccess};
      return scsi::encode_vpd_page(page, kPages);
    }
    case scsi::vpd::kUnitSerialNumber:
      return scsi::encode_vpd_page(page, as_bytes(drive.identity->serial()));
    case scsi::vpd::kDeviceIdentification:
      return scsi::encode_vpd_page(page, device_identification(drive));
    case scsi::vpd::kSequentialAccess:
      return scsi::encode_vpd_page(page, Bytes{0x01});  // WORM media can be mounted
    default:
      return scsi::invalid_in_cdb(2);
  }
}

}  // namespace

scsi::Outcome<scsi::Response> inquiry(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Inquiry::decode(command.cdb));
  if (cdb.vital_product_data)
    return good_cut(TRY(vital_product_data(drive, cdb.page)), cdb.allocation_length);
  const scsi::StandardInquiry data{
      .vendor = drive.options.vendor, .product = product_of(drive), .revision = drive.options.revision};
  return good_cut(data.encode(), cdb.allocation_length);
}

}  // namespace tapewarden::tape

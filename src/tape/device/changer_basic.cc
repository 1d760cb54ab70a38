// The commands of a changer that do not look at its elements: TEST UNIT READY, REQUEST SENSE, INQUIRY,
// RESERVE, RELEASE, PERSISTENT RESERVE, PREVENT ALLOW MEDIUM REMOVAL, LOG SENSE.
#include "scsi/inquiry.h"
#include "scsi/log_page.h"
#include "tape/device/changer_state.h"
#include "tape/device/drive_state.h"
#include "tape/device/reservation_commands.h"

namespace tapewarden::tape {
namespace {

constexpr std::uint16_t kTapeAlertFlagCount = 64;

Bytes vpd_page(std::uint8_t page, ByteView content) {
  return scsi::encode_vpd_page(scsi::kChangerDeviceType, page, content);
}

Bytes device_identification(const ChangerOptions& options) {
  ByteWriter name;
  name.padded(options.vendor, 8).padded(options.product, 16).text(options.serial);
  return scsi::encode_designators(
      {{scsi::DesignatorCode::kAscii, scsi::DesignatorKind::kVendorId, false, name.take()}});
}

scsi::Outcome<Bytes> vital_product_data(const ChangerOptions& options, std::uint8_t page) {
  switch (page) {
    case scsi::vpd::kSupportedPages: {
      constexpr std::array<std::uint8_t, 3> kPages = {
          scsi::vpd::kSupportedPages, scsi::vpd::kUnitSerialNumber, scsi::vpd::kDeviceIdentification};
      return vpd_page(page, kPages);
    }
    case scsi::vpd::kUnitSerialNumber:
      return vpd_page(page, as_bytes(options.serial));
    case scsi::vpd::kDeviceIdentification:
      return vpd_page(page, device_identification(options));
    default:
      return scsi::invalid_in_cdb(2);
  }
}

}  // namespace

scsi::Outcome<scsi::Response> changer_ready(Changer::State&, const scsi::Command& command) {
  TRY(scsi::checked_cdb(command.cdb, scsi::Opcode::kTestUnitReady));
  return scsi::good();
}

scsi::Outcome<scsi::Response> changer_sense(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::RequestSense::decode(command.cdb));
  scsi::Sense sense;
  if (const auto attention = changer.attentions.take(command.nexus)) sense.code = *attention;
  return good_cut(cdb.descriptor_format ? sense.encode_descriptor() : sense.encode_fixed(),
                  cdb.allocation_length);
}

scsi::Outcome<scsi::Response> changer_inquiry(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::Inquiry::decode(command.cdb));
  if (cdb.vital_product_data)
    return good_cut(TRY(vital_product_data(changer.options, cdb.page)), cdb.allocation_length);
  const scsi::StandardInquiry data{.device_type = scsi::kChangerDeviceType,
                                   .vendor = changer.options.vendor,
                                   .product = changer.options.product,
                                   .revision = changer.options.revision};
  return good_cut(data.encode(), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> changer_reserve(Changer::State& changer, const scsi::Command& command) {
  return reserve(changer.reservations, command);
}

scsi::Outcome<scsi::Response> changer_release(Changer::State& changer, const scsi::Command& command) {
  return release(changer.reservations, command);
}

scsi::Outcome<scsi::Response> changer_reserve_in(Changer::State& changer, const scsi::Command& command) {
  return persistent_reserve_in(changer.reservations, command);
}

scsi::Outcome<scsi::Response> changer_reserve_out(Changer::State& changer, const scsi::Command& command) {
  auto answer = persistent_reserve_out(changer.reservations, command);
  for (const auto nexus : changer.reservations.take_aborted()) changer.preventing.erase(nexus);
  changer.robot.prevent_removal(!changer.preventing.empty());
  return answer;
}

scsi::Outcome<scsi::Response> changer_prevent(Changer::State& changer, const scsi::Command& command) {
  const auto cdb = TRY(scsi::PreventAllow::decode(command.cdb));
  if (cdb.prevent) {
    changer.preventing.insert(command.nexus);
  } else {
    changer.preventing.erase(command.nexus);
  }
  changer.robot.prevent_removal(!changer.preventing.empty());
  return scsi::good();
}

scsi::Outcome<scsi::Response> changer_log_sense(Changer::State&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::LogSense::decode(command.cdb));
  if (cdb.subpage != 0) return scsi::invalid_in_cdb(3);
  if (cdb.page == scsi::log_page::kSupported) {
    constexpr std::array<std::uint8_t, 2> kPages = {scsi::log_page::kSupported, scsi::log_page::kTapeAlert};
    return good_cut(scsi::encode_supported_log_pages(kPages), cdb.allocation_length);
  }
  if (cdb.page != scsi::log_page::kTapeAlert) return scsi::invalid_in_cdb(2, 5);
  // A library of files has no gripper that slips and no door: no flag is ever raised.
  scsi::LogPage page{scsi::log_page::kTapeAlert, {}};
  for (std::uint16_t alert = 1; alert <= kTapeAlertFlagCount; ++alert)
    if (alert >= cdb.parameter_pointer) page.parameters.push_back(scsi::number_parameter(alert, 0, 1));
  return good_cut(page.encode(), cdb.allocation_length);
}

}  // namespace tapewarden::tape

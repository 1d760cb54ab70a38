// TEST UNIT READY, REQUEST SENSE, REPORT LUNS, SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-4).
#include "scsi/fields.h"
#include "scsi/tape_cdb.h"
#include "tape/device/drive_state.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kLunBytes = 8;

}  // namespace

scsi::Outcome<scsi::Response> test_unit_ready(DriveState&, const scsi::Command& command) {
  TRY(scsi::checked_cdb(command.cdb, scsi::Opcode::kTestUnitReady));
  return scsi::good();  // the table asks for a loaded cartridge
}

scsi::Outcome<scsi::Response> request_sense(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::RequestSense::decode(command.cdb));
  scsi::Sense sense;
  if (const auto attention = drive.attentions.take(command.nexus)) sense.code = *attention;
  return good_cut(cdb.descriptor_format ? sense.encode_descriptor() : sense.encode_fixed(),
                  cdb.allocation_length);
}

scsi::Outcome<scsi::Response> report_luns(DriveState&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReportLuns::decode(command.cdb));
  constexpr std::uint8_t kWellKnownOnly = 1;
  const std::size_t units = cdb.select == kWellKnownOnly ? 0 : 1;  // this logical unit is number 0
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(units * kLunBytes)).zeros(4).zeros(units * kLunBytes);
  return good_cut(out.take(), cdb.allocation_length);
}

// The default self-test: a drive that answers is a drive that works.
scsi::Outcome<scsi::Response> send_diagnostic(DriveState&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::SendDiagnostic::decode(command.cdb));
  if (cdb.parameter_length != 0) return scsi::invalid_in_cdb(3);  // no diagnostic page is taken
  return scsi::good();
}

scsi::Outcome<scsi::Response> receive_diagnostic(DriveState&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReceiveDiagnostic::decode(command.cdb));
  if (cdb.page_code_valid && cdb.page != 0) return scsi::invalid_in_cdb(2);
  return good_cut(ByteWriter().u8(0).u8(0).u16(1).u8(0).take(), cdb.allocation_length);  // page 00h alone
}

}  // namespace tapewarden::tape

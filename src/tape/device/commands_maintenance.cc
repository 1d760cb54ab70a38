// REPORT SUPPORTED OPERATION CODES, REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, REPORT and SET TIMESTAMP
// (SPC-4 sections 6.33, 6.34, 6.36 and 6.45).
#include "scsi/fields.h"
#include "scsi/operation_codes.h"
#include "tape/device/command_table.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::size_t kTimestampListBytes = 12;
constexpr std::uint64_t kTimestampLimit = std::uint64_t{1} << 48U;

std::uint64_t timestamp_of(const DriveState& drive) {
  const auto now = to_millis(drive.env.clock->wall_now()) + drive.timestamp_offset.value_or(0);
  return now < 0 ? 0 : static_cast<std::uint64_t>(now) % kTimestampLimit;
}

}  // namespace

scsi::Outcome<scsi::Response> report_operation_codes(DriveState&, const scsi::Command& command) {
  std::vector<scsi::ReportedCommand> commands;
  for (const auto& row : command_rows())
    commands.push_back({row.format, row.nominal_seconds, row.recommended_seconds});
  return scsi::report_operation_codes(commands, command);
}

// What the transport in front of the unit carries out: abort task, abort task set, clear task set, logical
// unit reset.
scsi::Outcome<scsi::Response> report_task_management(DriveState&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReportTaskManagement::decode(command.cdb));
  constexpr std::uint8_t kOffered = 0xd8;
  constexpr std::size_t kShort = 4;
  constexpr std::size_t kExtended = 16;
  if (cdb.allocation_length < kShort) return scsi::invalid_in_cdb(6);
  ByteWriter out;
  out.u8(kOffered).u8(0).u8(0).u8(cdb.extended ? kExtended - 4 : 0);
  if (cdb.extended) out.zeros(kExtended - kShort);  // no timeouts are told
  return good_cut(out.take(), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> report_timestamp(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReportTimestamp::decode(command.cdb));
  constexpr std::uint8_t kSetByCommand = 2;
  constexpr std::uint8_t kSetOtherwise = 3;  // the clock of the machine
  const auto now = timestamp_of(drive);
  ByteWriter out;
  out.u16(10).u8(drive.timestamp_offset ? kSetByCommand : kSetOtherwise).u8(0);
  out.u16(static_cast<std::uint16_t>(now >> 32U)).u32(static_cast<std::uint32_t>(now & 0xffffffffU)).u16(0);
  return good_cut(out.take(), cdb.allocation_length);
}

scsi::Outcome<scsi::Response> set_timestamp(DriveState& drive, const scsi::Command& command) {
  const auto cdb = TRY(scsi::SetTimestamp::decode(command.cdb));
  if (cdb.parameter_length == 0) return scsi::good();
  if (cdb.parameter_length != kTimestampListBytes) return scsi::check(codes::kParameterListLengthError);
  const auto list = TRY(parameter_list(command, cdb.parameter_length));
  const auto wanted = static_cast<std::int64_t>(scsi::big_endian_at(list, 4, 6));
  drive.timestamp_offset = wanted - to_millis(drive.env.clock->wall_now());
  drive.attentions.tell_others(command.nexus, codes::kTimestampChanged);
  return took(list.size());
}

}  // namespace tapewarden::tape

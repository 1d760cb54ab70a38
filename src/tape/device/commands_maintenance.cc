// REPORT SUPPORTED OPERATION CODES, REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, REPORT and SET TIMESTAMP
// (SPC-4 sections 6.33, 6.34, 6.36 and 6.45).
#include "scsi/fields.h"
#include "tape/device/command_table.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

constexpr std::size_t kTimeoutsBytes = 12;
constexpr std::size_t kTimestampListBytes = 12;
constexpr std::uint64_t kTimestampLimit = std::uint64_t{1} << 48U;

Bytes timeouts_of(const CommandRow& row) {
  return ByteWriter()
      .u16(kTimeoutsBytes - 2)
      .zeros(2)
      .u32(row.nominal_seconds)
      .u32(row.recommended_seconds)
      .take();
}

// SPC-4 table 217.
Bytes all_commands(bool timeouts) {
  ByteWriter list;
  for (const auto& row : command_rows()) {
    const auto& format = *row.format;
    list.u8(static_cast<std::uint8_t>(format.opcode)).u8(0).u16(format.service_action.value_or(0)).u8(0);
    list.u8(scsi::joined(scsi::flag(timeouts, 1), scsi::flag(format.service_action.has_value(), 0)));
    list.u16(format.length);
    if (timeouts) list.bytes(timeouts_of(row));
  }
  return ByteWriter().bytes32(list.view()).take();
}

// SPC-4 table 219: 001b not supported, 011b supported as the standard says.
Bytes one_command(const CommandRow* row, bool timeouts) {
  constexpr std::uint8_t kNotSupported = 1;
  constexpr std::uint8_t kSupported = 3;
  if (row == nullptr) return ByteWriter().u8(0).u8(kNotSupported).u16(0).take();
  const auto& format = *row->format;
  ByteWriter out;
  out.u8(0).u8(scsi::joined(scsi::flag(timeouts, 7), kSupported)).u16(format.length);
  out.bytes(ByteView(format.usage).first(format.length));
  if (timeouts) out.bytes(timeouts_of(*row));
  return out.take();
}

std::uint64_t timestamp_of(const DriveState& drive) {
  const auto now = to_millis(drive.env.clock->wall_now()) + drive.timestamp_offset.value_or(0);
  return now < 0 ? 0 : static_cast<std::uint64_t>(now) % kTimestampLimit;
}

}  // namespace

scsi::Outcome<scsi::Response> report_operation_codes(DriveState&, const scsi::Command& command) {
  const auto cdb = TRY(scsi::ReportOperationCodes::decode(command.cdb));
  constexpr std::uint8_t kAll = 0;
  constexpr std::uint8_t kWithout = 1;
  constexpr std::uint8_t kWith = 2;
  if (cdb.options == kAll) return good_cut(all_commands(cdb.timeouts), cdb.allocation_length);
  const bool has_actions = has_service_actions(cdb.opcode);
  if (cdb.options == kWithout && has_actions) return scsi::invalid_in_cdb(2, 2);
  if (cdb.options == kWith && !has_actions) return scsi::invalid_in_cdb(2, 2);
  std::optional<std::uint8_t> action;
  if (has_actions) action = cdb.action > 0x1f ? std::uint8_t{0xff} : static_cast<std::uint8_t>(cdb.action);
  const auto* row =
      !has_actions && cdb.options == 3 && cdb.action != 0 ? nullptr : find_command(cdb.opcode, action);
  return good_cut(one_command(row, cdb.timeouts), cdb.allocation_length);
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

#include "scsi/operation_codes.h"

#include <algorithm>

#include "scsi/fields.h"
#include "scsi/tape_cdb.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kTimeoutsBytes = 12;
constexpr std::uint8_t kAll = 0;
constexpr std::uint8_t kWithout = 1;
constexpr std::uint8_t kWith = 2;
constexpr std::uint8_t kEither = 3;

Bytes timeouts_of(const ReportedCommand& command) {
  return ByteWriter()
      .u16(kTimeoutsBytes - 2)
      .zeros(2)
      .u32(command.nominal_seconds)
      .u32(command.recommended_seconds)
      .take();
}

// SPC-4 table 217.
Bytes all_commands(std::span<const ReportedCommand> commands, bool timeouts) {
  ByteWriter list;
  for (const auto& command : commands) {
    const auto& format = *command.format;
    list.u8(static_cast<std::uint8_t>(format.opcode)).u8(0).u16(format.service_action.value_or(0)).u8(0);
    list.u8(joined(flag(timeouts, 1), flag(format.service_action.has_value(), 0)));
    list.u16(format.length);
    if (timeouts) list.bytes(timeouts_of(command));
  }
  return ByteWriter().bytes32(list.view()).take();
}

// SPC-4 table 219: 001b not supported, 011b supported as the standard says.
Bytes one_command(const ReportedCommand* command, bool timeouts) {
  constexpr std::uint8_t kNotSupported = 1;
  constexpr std::uint8_t kSupported = 3;
  if (command == nullptr) return ByteWriter().u8(0).u8(kNotSupported).u16(0).take();
  const auto& format = *command->format;
  ByteWriter out;
  out.u8(0).u8(joined(flag(timeouts, 7), kSupported)).u16(format.length);
  out.bytes(ByteView(format.usage).first(format.length));
  if (timeouts) out.bytes(timeouts_of(*command));
  return out.take();
}

Response good_cut(Bytes data, std::size_t allocation_length) {
  data.resize(std::min(data.size(), allocation_length));
  return good(std::move(data));
}

}  // namespace

Outcome<Response> report_operation_codes(std::span<const ReportedCommand> commands, const Command& command) {
  const auto cdb = TRY(ReportOperationCodes::decode(command.cdb));
  if (cdb.options == kAll) return good_cut(all_commands(commands, cdb.timeouts), cdb.allocation_length);
  const auto is_asked_for = [&](const ReportedCommand& one) {
    return static_cast<std::uint8_t>(one.format->opcode) == cdb.opcode;
  };
  const auto first = std::ranges::find_if(commands, is_asked_for);
  const bool has_actions = first != commands.end() && first->format->service_action.has_value();
  if (cdb.options == kWithout && has_actions) return invalid_in_cdb(2, 2);
  if (cdb.options == kWith && !has_actions) return invalid_in_cdb(2, 2);
  const auto found = std::ranges::find_if(commands, [&](const ReportedCommand& one) {
    if (!is_asked_for(one)) return false;
    if (has_actions) return one.format->service_action == cdb.action;
    return cdb.options != kEither || cdb.action == 0;
  });
  return good_cut(one_command(found == commands.end() ? nullptr : &*found, cdb.timeouts),
                  cdb.allocation_length);
}

}  // namespace tapewarden::scsi

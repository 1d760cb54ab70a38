#include "tape/device/command_table.h"

#include <algorithm>
#include <utility>

#include "scsi/fields.h"
#include "tape/device/reservation_commands.h"

namespace tapewarden::tape {
namespace {

namespace action = scsi::service_action;
using enum ReservationClass;
using scsi::Opcode;

struct Row {
  Opcode opcode;
  std::optional<std::uint8_t> service_action;
  Handler handler;
  bool needs_medium;
  bool ignores_attention;
  ReservationClass reservation;
  std::uint16_t nominal_seconds;
  std::uint16_t recommended_seconds;
};

constexpr bool kMedium = true;
constexpr bool kNoMedium = false;
constexpr bool kAnyTime = true;
constexpr bool kAfterAttention = false;
constexpr std::optional<std::uint8_t> kPlain{};

// Seconds: what stays in memory, one transfer, a way along the tape, rewriting areas of the file.
constexpr std::uint16_t kQuick = 1;
constexpr std::uint16_t kTransfer = 5;
constexpr std::uint16_t kMotion = 30;
constexpr std::uint16_t kLong = 60;
constexpr std::uint16_t kPatience = 300;

// What only tells or settles something: no medium, no way to go.
constexpr Row quick(Opcode opcode, std::optional<std::uint8_t> service_action, Handler handler,
                    ReservationClass reservation) {
  return {opcode, service_action, handler, kNoMedium, kAfterAttention, reservation, kQuick, kLong};
}
constexpr auto kOwnRows = std::to_array<Row>({
    // clang-format off
    {Opcode::kTestUnitReady, kPlain, test_unit_ready, kMedium, kAfterAttention, kStatus, kQuick, kLong},
    {Opcode::kRewind, kPlain, rewind, kMedium, kAfterAttention, kRead, kMotion, kPatience},
    {Opcode::kRequestSense, kPlain, request_sense, kNoMedium, kAnyTime, kNever, kQuick, kLong},
    {Opcode::kFormatMedium, kPlain, format_medium, kMedium, kAfterAttention, kWrite, kLong, kPatience},
    quick(Opcode::kReadBlockLimits, kPlain, read_block_limits, kStatus),
    {Opcode::kRead6, kPlain, read, kMedium, kAfterAttention, kRead, kTransfer, kPatience},
    {Opcode::kWrite6, kPlain, write, kMedium, kAfterAttention, kWrite, kTransfer, kPatience},
    {Opcode::kSetCapacity, kPlain, set_capacity, kMedium, kAfterAttention, kWrite, kQuick, kPatience},
    {Opcode::kWriteFilemarks6, kPlain, write_filemarks, kMedium, kAfterAttention, kWrite, kMotion, kPatience},
    {Opcode::kSpace6, kPlain, space, kMedium, kAfterAttention, kRead, kMotion, kPatience},
    {Opcode::kInquiry, kPlain, inquiry, kNoMedium, kAnyTime, kNever, kQuick, kLong},
    {Opcode::kVerify6, kPlain, verify, kMedium, kAfterAttention, kRead, kPatience, kPatience},
    quick(Opcode::kModeSelect6, kPlain, mode_select, kWrite),
    {Opcode::kErase6, kPlain, erase, kMedium, kAfterAttention, kWrite, kLong, kPatience},
    quick(Opcode::kModeSense6, kPlain, mode_sense, kRead),
    {Opcode::kLoadUnload, kPlain, load_unload, kNoMedium, kAfterAttention, kWrite, kLong, kPatience},
    quick(Opcode::kReceiveDiagnostic, kPlain, receive_diagnostic, kRead),
    quick(Opcode::kSendDiagnostic, kPlain, send_diagnostic, kWrite),
    quick(Opcode::kPreventAllow, kPlain, prevent_allow, kRemoval),
    {Opcode::kLocate10, kPlain, locate, kMedium, kAfterAttention, kRead, kMotion, kPatience},
    {Opcode::kReadPosition, kPlain, read_position, kMedium, kAfterAttention, kRead, kQuick, kLong},
    quick(Opcode::kReportDensitySupport, kPlain, report_density_support, kStatus),
    {Opcode::kLogSelect, kPlain, log_select, kNoMedium, kAfterAttention, kWrite, kQuick, kLong},
    quick(Opcode::kLogSense, kPlain, log_sense, kNever),
    quick(Opcode::kModeSelect10, kPlain, mode_select, kWrite),
    quick(Opcode::kModeSense10, kPlain, mode_sense, kRead),
    {Opcode::kAllowOverwrite, kPlain, allow_overwrite, kMedium, kAfterAttention, kWrite, kQuick, kLong},
    {Opcode::kReadAttribute, kPlain, read_attribute, kMedium, kAfterAttention, kRead, kQuick, kLong},
    {Opcode::kWriteAttribute, kPlain, write_attribute, kMedium, kAfterAttention, kWrite, kTransfer, kLong},
    {Opcode::kSpace16, kPlain, space, kMedium, kAfterAttention, kRead, kMotion, kPatience},
    {Opcode::kLocate16, kPlain, locate, kMedium, kAfterAttention, kRead, kMotion, kPatience},
    {Opcode::kReportLuns, kPlain, report_luns, kNoMedium, kAnyTime, kNever, kQuick, kLong},
    quick(Opcode::kSecurityProtocolIn, kPlain, security_protocol_in, kRead),
    quick(Opcode::kMaintenanceIn, action::kReportOperationCodes, report_operation_codes, kStatus),
    quick(Opcode::kMaintenanceIn, action::kReportTaskManagement, report_task_management, kStatus),
    quick(Opcode::kMaintenanceIn, action::kTimestamp, report_timestamp, kStatus),
    quick(Opcode::kMaintenanceOut, action::kTimestamp, set_timestamp, kWrite),
    {Opcode::kSecurityProtocolOut, kPlain, security_protocol_out, kNoMedium, kAfterAttention, kWrite, kTransfer,
     kPatience},
    // clang-format on
});

// By ReservationVerb.
constexpr Handler kReservationHandlers[] = {reserve, release, persistent_reserve_in, persistent_reserve_out};

constexpr Row reservation_row(const ReservationCommand& command) {
  return quick(command.opcode, command.service_action, kReservationHandlers[std::to_underlying(command.verb)],
               command.reservation);
}

constexpr auto kRows = with_reservation_commands(kOwnRows, reservation_row);

using Rows = std::array<CommandRow, kRows.size()>;

const Rows& rows() {
  static const Rows built = [] {
    Rows out{};
    std::ranges::transform(kRows, out.begin(), [](const Row& row) {
      const auto* format = scsi::find_tape_format(static_cast<std::uint8_t>(row.opcode), row.service_action);
      TW_ASSERT(format != nullptr);
      return CommandRow{format,          row.handler,         row.needs_medium,       row.ignores_attention,
                        row.reservation, row.nominal_seconds, row.recommended_seconds};
    });
    return out;
  }();
  return built;
}

bool is(const CommandRow& row, std::uint8_t opcode) {
  return static_cast<std::uint8_t>(row.format->opcode) == opcode;
}

}  // namespace

std::span<const CommandRow> command_rows() {
  return rows();
}

bool has_service_actions(std::uint8_t opcode) {
  return std::ranges::any_of(
      rows(), [opcode](const auto& row) { return is(row, opcode) && row.format->service_action; });
}

const CommandRow* find_command(std::uint8_t opcode, std::optional<std::uint8_t> service_action) {
  const auto found = std::ranges::find_if(rows(), [&](const auto& row) {
    return is(row, opcode) && row.format->service_action == service_action;
  });
  return found == rows().end() ? nullptr : &*found;
}

scsi::Outcome<const CommandRow*> find_command(ByteView cdb) {
  const scsi::Sense unknown{.code = scsi::sense_codes::kInvalidOpcode,
                            .field = scsi::FieldPointer{true, 0, {}}};
  if (cdb.empty()) return std::unexpected(unknown);
  std::optional<std::uint8_t> service_action;
  if (has_service_actions(cdb[0])) {
    if (cdb.size() < 2) return scsi::invalid_in_cdb(1);
    service_action = scsi::bits_at(cdb, 1, 0, 5);
  }
  if (const auto* row = find_command(cdb[0], service_action)) return row;
  if (service_action) return scsi::invalid_in_cdb(1, 4);
  return std::unexpected(unknown);
}

}  // namespace tapewarden::tape

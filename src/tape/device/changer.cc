#include "tape/device/changer.h"

#include <array>
#include <utility>

#include "scsi/fields.h"
#include "scsi/operation_codes.h"
#include "scsi/tape_cdb.h"
#include "tape/device/changer_state.h"
#include "tape/device/reservation_commands.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
namespace opcode = scsi::changer_opcode;
using scsi::Opcode;

using enum ReservationClass;

constexpr std::optional<std::uint8_t> kPlain{};

struct TableEntry {
  Opcode opcode;
  std::optional<std::uint8_t> service_action;
  ChangerHandler handler;
  ReservationClass reservation;
  bool ignores_attention = false;  // runs, and leaves a unit attention pending (SPC-4 section 5.13)
};

constexpr std::uint16_t kQuickSeconds = 1;
constexpr std::uint16_t kMoveSeconds = 60;
constexpr std::uint16_t kPatienceSeconds = 300;
constexpr bool kAnyTime = true;

constexpr auto kOwnCommands = std::to_array<TableEntry>({
    {Opcode::kTestUnitReady, kPlain, changer_ready, kStatus},
    {Opcode::kRequestSense, kPlain, changer_sense, kNever, kAnyTime},
    {opcode::kInitializeElementStatus, kPlain, initialize_element_status, kWrite},
    {Opcode::kInquiry, kPlain, changer_inquiry, kNever, kAnyTime},
    {Opcode::kModeSelect6, kPlain, changer_mode_select, kWrite},
    {Opcode::kModeSense6, kPlain, changer_mode_sense, kRead},
    {Opcode::kPreventAllow, kPlain, changer_prevent, kRemoval},
    {opcode::kPositionToElement, kPlain, position_to_element, kWrite},
    {opcode::kInitializeElementStatusWithRange, kPlain, initialize_element_status, kWrite},
    {Opcode::kLogSense, kPlain, changer_log_sense, kNever},
    {Opcode::kModeSelect10, kPlain, changer_mode_select, kWrite},
    {Opcode::kModeSense10, kPlain, changer_mode_sense, kRead},
    {Opcode::kMaintenanceIn, scsi::service_action::kReportOperationCodes, changer_operation_codes, kNever,
     kAnyTime},
    {opcode::kMoveMedium, kPlain, move_medium, kWrite},
    {opcode::kExchangeMedium, kPlain, exchange_medium, kWrite},
    {opcode::kReadElementStatus, kPlain, read_element_status, kWrite},
    {opcode::kInitializeElementStatusWithRangeOld, kPlain, initialize_element_status, kWrite},
});

// By ReservationVerb.
constexpr ChangerHandler kReservationHandlers[] = {changer_reserve, changer_release, changer_reserve_in,
                                                   changer_reserve_out};

constexpr TableEntry reservation_entry(const ReservationCommand& command) {
  return {command.opcode, command.service_action, kReservationHandlers[std::to_underlying(command.verb)],
          command.reservation};
}

constexpr auto kTable = with_reservation_commands(kOwnCommands, reservation_entry);

const scsi::CdbFormat* format_of(const TableEntry& entry) {
  const auto code = static_cast<std::uint8_t>(entry.opcode);
  const auto* own = scsi::find_changer_cdb_format(code);
  return own != nullptr ? own : scsi::find_tape_format(code, entry.service_action);
}

// 05/20/00 for an unknown operation code, 05/24/00 at the service action when that alone is unknown.
scsi::Outcome<const TableEntry*> find_entry(ByteView cdb) {
  const scsi::Sense unknown{.code = codes::kInvalidOpcode, .field = scsi::FieldPointer{true, 0, {}}};
  if (cdb.empty()) return std::unexpected(unknown);
  bool has_actions = false;
  for (const auto& entry : kTable) {
    if (static_cast<std::uint8_t>(entry.opcode) != cdb[0]) continue;
    if (!entry.service_action) return &entry;
    has_actions = true;
    if (cdb.size() > 1 && *entry.service_action == scsi::bits_at(cdb, 1, 0, 5)) return &entry;
  }
  if (has_actions) return scsi::invalid_in_cdb(1, 4);
  return std::unexpected(unknown);
}

scsi::Response status_only(scsi::ScsiStatus status) {
  scsi::Response response;
  response.status = status;
  return response;
}

// READ ELEMENT STATUS with CURDATA moves nothing and passes every reservation (SMC-3, reservations).
ReservationClass class_of(const TableEntry& entry, const scsi::Command& command) {
  if (entry.opcode != opcode::kReadElementStatus) return entry.reservation;
  const auto cdb = scsi::ReadElementStatus::decode(command.cdb);
  return cdb && cdb->current_data ? kNever : entry.reservation;
}

}  // namespace

scsi::Outcome<scsi::Response> changer_operation_codes(Changer::State&, const scsi::Command& command) {
  std::vector<scsi::ReportedCommand> commands;
  for (const auto& entry : kTable) {
    // What moves a cartridge may wait for a drive to write what it has buffered.
    const bool moves = entry.opcode == opcode::kMoveMedium || entry.opcode == opcode::kExchangeMedium;
    commands.push_back({format_of(entry), moves ? kMoveSeconds : kQuickSeconds, kPatienceSeconds});
  }
  return scsi::report_operation_codes(commands, command);
}

Changer::Changer(ElementRobot& robot, ChangerOptions options)
    : state_(std::make_unique<State>(robot, std::move(options))) {}

Changer::~Changer() = default;

scsi::Response Changer::execute(const scsi::Command& command) {
  auto& changer = *state_;
  if (!changer.attentions.meet(command.nexus)) return status_only(scsi::ScsiStatus::kBusy);
  if (const auto changes = changer.robot.outside_changes(); changes != changer.outside_changes_told) {
    changer.outside_changes_told = changes;
    changer.attentions.tell_all(codes::kImportExportAccessed);
  }
  const auto found = find_entry(command.cdb);
  if (!found) return scsi::check_condition(found.error());
  const auto* entry = *found;
  if (changer.reservations.conflict(command.nexus, class_of(*entry, command), command.cdb))
    return status_only(scsi::ScsiStatus::kReservationConflict);
  if (!entry->ignores_attention) {
    if (const auto attention = changer.attentions.take(command.nexus))
      return scsi::check_condition({.code = *attention});
  }
  auto response = entry->handler(changer, command);
  if (!response) return scsi::check_condition(response.error());
  return *std::move(response);
}

void Changer::nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) {
  state_->reservations.name(nexus, names.transport_id);
}

void Changer::nexus_lost(scsi::NexusId nexus) {
  state_->reservations.nexus_lost(nexus);
  state_->preventing.erase(nexus);
  state_->robot.prevent_removal(!state_->preventing.empty());
  state_->attentions.forget(nexus);
}

void Changer::reset() {
  state_->reservations.reset();
  state_->preventing.clear();
  state_->robot.prevent_removal(false);
  state_->attentions.restart(codes::kBusDeviceReset);
}

}  // namespace tapewarden::tape

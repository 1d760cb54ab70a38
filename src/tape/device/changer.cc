#include "tape/device/changer.h"

#include <array>

#include "scsi/tape_cdb.h"
#include "tape/device/changer_state.h"
#include "tape/device/operation_codes.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
namespace opcode = scsi::changer_opcode;
using scsi::Opcode;

struct TableEntry {
  Opcode opcode;
  ChangerHandler handler;
  bool ignores_attention;    // runs, and leaves a unit attention pending (SPC-4 section 5.13)
  bool ignores_reservation;  // also for another nexus than the holder
};

constexpr std::uint16_t kQuickSeconds = 1;
constexpr std::uint16_t kMoveSeconds = 60;
constexpr std::uint16_t kPatienceSeconds = 300;

constexpr bool kAnyTime = true;
constexpr bool kAfterAttention = false;
constexpr bool kShared = true;
constexpr bool kHolderOnly = false;

constexpr auto kTable = std::to_array<TableEntry>({
    {Opcode::kTestUnitReady, changer_ready, kAfterAttention, kHolderOnly},
    {Opcode::kRequestSense, changer_sense, kAnyTime, kShared},
    {opcode::kInitializeElementStatus, initialize_element_status, kAfterAttention, kHolderOnly},
    {Opcode::kInquiry, changer_inquiry, kAnyTime, kShared},
    {Opcode::kModeSelect6, changer_mode_select, kAfterAttention, kHolderOnly},
    {Opcode::kReserve6, changer_reserve, kAfterAttention, kHolderOnly},
    {Opcode::kRelease6, changer_release, kAfterAttention, kShared},
    {Opcode::kModeSense6, changer_mode_sense, kAfterAttention, kHolderOnly},
    {Opcode::kPreventAllow, changer_prevent, kAfterAttention, kHolderOnly},
    {opcode::kPositionToElement, position_to_element, kAfterAttention, kHolderOnly},
    {opcode::kInitializeElementStatusWithRange, initialize_element_status, kAfterAttention, kHolderOnly},
    {Opcode::kLogSense, changer_log_sense, kAfterAttention, kShared},
    {Opcode::kModeSelect10, changer_mode_select, kAfterAttention, kHolderOnly},
    {Opcode::kModeSense10, changer_mode_sense, kAfterAttention, kHolderOnly},
    {Opcode::kMaintenanceIn, changer_operation_codes, kAnyTime, kShared},
    {opcode::kMoveMedium, move_medium, kAfterAttention, kHolderOnly},
    {opcode::kExchangeMedium, exchange_medium, kAfterAttention, kHolderOnly},
    {opcode::kReadElementStatus, read_element_status, kAfterAttention, kHolderOnly},
    {opcode::kInitializeElementStatusWithRangeOld, initialize_element_status, kAfterAttention, kHolderOnly},
});

// Of what the table holds; of the one that has service actions just its own.
const scsi::CdbFormat* format_of(Opcode code) {
  if (code == Opcode::kMaintenanceIn)
    return scsi::find_tape_format(static_cast<std::uint8_t>(code),
                                  scsi::service_action::kReportOperationCodes);
  const auto* own = scsi::find_changer_cdb_format(static_cast<std::uint8_t>(code));
  return own != nullptr ? own : scsi::find_cdb_format(static_cast<std::uint8_t>(code));
}

const TableEntry* find_entry(std::uint8_t code) {
  for (const auto& entry : kTable)
    if (static_cast<std::uint8_t>(entry.opcode) == code) return &entry;
  return nullptr;
}

scsi::Response status_only(scsi::ScsiStatus status) {
  scsi::Response response;
  response.status = status;
  return response;
}

// READ ELEMENT STATUS with CURDATA moves nothing and passes a reservation (SMC-3, reservations).
bool passes_reservation(const TableEntry& entry, const scsi::Command& command) {
  if (entry.ignores_reservation) return true;
  if (entry.opcode != opcode::kReadElementStatus) return false;
  const auto cdb = scsi::ReadElementStatus::decode(command.cdb);
  return cdb && cdb->current_data;
}

}  // namespace

scsi::Outcome<scsi::Response> changer_operation_codes(Changer::State&, const scsi::Command& command) {
  std::vector<ReportedCommand> commands;
  for (const auto& entry : kTable) {
    // What moves a cartridge may wait for a drive to write what it has buffered.
    const bool moves = entry.opcode == opcode::kMoveMedium || entry.opcode == opcode::kExchangeMedium;
    commands.push_back({format_of(entry.opcode), moves ? kMoveSeconds : kQuickSeconds, kPatienceSeconds});
  }
  return report_operation_codes(commands, command);
}

Changer::Changer(ElementRobot& robot, ChangerOptions options)
    : state_(std::make_unique<State>(State{
          .robot = robot, .options = std::move(options), .outside_changes_told = robot.outside_changes()})) {}

Changer::~Changer() = default;

scsi::Response Changer::execute(const scsi::Command& command) {
  auto& changer = *state_;
  if (!changer.attentions.meet(command.nexus)) return status_only(scsi::ScsiStatus::kBusy);
  if (const auto changes = changer.robot.outside_changes(); changes != changer.outside_changes_told) {
    changer.outside_changes_told = changes;
    changer.attentions.tell_all(codes::kImportExportAccessed);
  }
  const auto* entry = command.cdb.empty() ? nullptr : find_entry(command.cdb[0]);
  if (entry == nullptr)
    return scsi::check_condition({.code = codes::kInvalidOpcode, .field = scsi::FieldPointer{true, 0, {}}});
  const bool held_by_another = changer.reserved_by && *changer.reserved_by != command.nexus;
  if (held_by_another && !passes_reservation(*entry, command))
    return status_only(scsi::ScsiStatus::kReservationConflict);
  if (!entry->ignores_attention) {
    if (const auto attention = changer.attentions.take(command.nexus))
      return scsi::check_condition({.code = *attention});
  }
  auto response = entry->handler(changer, command);
  if (!response) return scsi::check_condition(response.error());
  return *std::move(response);
}

void Changer::nexus_lost(scsi::NexusId nexus) {
  if (state_->reserved_by == nexus) state_->reserved_by.reset();
  state_->preventing.erase(nexus);
  state_->robot.prevent_removal(!state_->preventing.empty());
  state_->attentions.forget(nexus);
}

void Changer::reset() {
  state_->reserved_by.reset();
  state_->preventing.clear();
  state_->robot.prevent_removal(false);
  state_->attentions.restart(codes::kBusDeviceReset);
}

}  // namespace tapewarden::tape

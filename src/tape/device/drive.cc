#include "tape/device/drive.h"

#include "tape/device/command_table.h"
#include "tape/device/deferred_write.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

scsi::Outcome<scsi::Response> run(DriveState& drive, const CommandRow& entry, const scsi::Command& command) {
  if (entry.needs_medium && !drive.cartridge)
    return scsi::check(drive.cartridge_path.empty() ? codes::kMediumNotPresent
                                                    : codes::kInitializingCommandRequired);
  return entry.handler(drive, command);
}

scsi::Response status_only(scsi::ScsiStatus status) {
  scsi::Response response;
  response.status = status;
  return response;
}

// What power-on and reset have in common.
void back_to_defaults(DriveState& drive) {
  drive.preventing.clear();
  drive.block_length = 0;
  drive.buffered_mode = 1;
  drive.compression = drive.options.compression;
  drive.protection = {};
  drive.programmable_early_warning = 0;
  drive.append_only = false;
  drive.overwrite = {};
  drive.partition_request.reset();
  if (drive.cartridge) drive.cartridge->set_programmable_early_warning(0);
  drive.encryption.reset();
  drive.key_path.reset(drive.options.default_policy);
  forget_keys(drive, Leaving::kBroken);
}

bool is_opcode(ByteView cdb, scsi::Opcode opcode) {
  return !cdb.empty() && cdb[0] == static_cast<std::uint8_t>(opcode);
}

bool is_key_path(ByteView cdb) {
  if (cdb.size() < 2) return false;
  const bool carries_page = cdb[0] == static_cast<std::uint8_t>(scsi::Opcode::kSecurityProtocolIn) ||
                            cdb[0] == static_cast<std::uint8_t>(scsi::Opcode::kSecurityProtocolOut);
  return carries_page && cdb[1] == scsi::security_protocol::kKeyPath;
}

// What an operator is told beside the initiator, and what the log pages count.
void note_failure(DriveState& drive, scsi::SenseCode code) {
  if (code == codes::kWriteProtected) drive.alerts.raise(TapeAlert::kWriteProtected);
  if (code == codes::kWormOverwrite) drive.alerts.raise(TapeAlert::kWormOverwrite);
  if (code == codes::kMediumRemovalPrevented) drive.alerts.raise(TapeAlert::kRemovalPrevented);
  if (code.key != scsi::SenseKey::kMediumError) return;
  const bool writing = code == codes::kWriteError;
  drive.alerts.raise(TapeAlert::kHardError);
  drive.alerts.raise(writing ? TapeAlert::kWriteFailure : TapeAlert::kReadFailure);
  ++(writing ? drive.counters.write_failures : drive.counters.read_failures);
  ++(writing ? drive.counters.mount_write_failures : drive.counters.mount_read_failures);
}

}  // namespace

scsi::Response good_cut(Bytes data, std::size_t allocation_length) {
  if (data.size() > allocation_length) data.resize(allocation_length);
  return scsi::good(std::move(data));
}

scsi::Outcome<ByteView> parameter_list(const scsi::Command& command, std::size_t size) {
  if (size > kMaxParameterBytes) return scsi::check(codes::kParameterListLengthError);
  if (command.data_out.size() < size) return scsi::check(codes::kTransferTooShort);
  return command.data_out.first(size);
}

scsi::Response took(std::size_t data_out_bytes) {
  auto response = scsi::good();
  response.data_out_used = data_out_bytes;
  return response;
}

Drive::Drive(Env env, std::shared_ptr<const DriveIdentity> identity, DriveOptions options,
             DriveExchange* exchange)
    : state_(std::make_unique<DriveState>(env, std::move(identity), std::move(options), exchange)) {}

Drive::~Drive() = default;

scsi::Response Drive::execute(const scsi::Command& command) {
  auto& drive = *state_;
  catch_up(drive);
  const auto reads_before = std::exchange(drive.reads_in_a_row, 0U);
  if (!drive.attentions.meet(command.nexus)) return status_only(scsi::ScsiStatus::kBusy);
  drive.encryption.meet(command.nexus);
  const auto found = find_command(command.cdb);
  if (!found) return scsi::check_condition(found.error());
  const auto* entry = *found;
  if (drive.reservations.conflict(command.nexus, entry->reservation, command.cdb))
    return status_only(scsi::ScsiStatus::kReservationConflict);
  if (!entry->ignores_attention) {
    if (const auto attention = drive.attentions.take(command.nexus))
      return scsi::check_condition({.code = *attention});
  }
  const auto preemptions = drive.reservations.preemptions();
  auto outcome = run(drive, *entry, command);
  keys_follow_reservation(drive, preemptions, command.nexus, true);
  auto response = outcome ? *std::move(outcome) : scsi::check_condition(outcome.error());
  if (response.status == scsi::ScsiStatus::kCheckCondition) note_failure(drive, response.sense.code);
  if (response.good() && is_opcode(command.cdb, scsi::Opcode::kRead6))
    drive.reads_in_a_row = reads_before + 1;
  return response;
}

std::optional<scsi::Response> Drive::execute_at_once(const scsi::Command& command) {
  const auto& drive = *state_;
  if (drive.deferred) return std::nullopt;
  const bool reads = is_opcode(command.cdb, scsi::Opcode::kRead6) && reads_at_once(drive, command);
  const bool writes = is_opcode(command.cdb, scsi::Opcode::kWrite6) && writes_at_once(drive, command);
  if (!reads && !writes) return std::nullopt;
  return execute(command);
}

void Drive::look_ahead() {
  auto& drive = *state_;
  catch_up(drive);
  if (drive.cartridge && drive.reads_in_a_row >= kReadsBeforeAhead) drive.cartridge->read_ahead();
}

void Drive::rest() {
  if (state_->cartridge) state_->cartridge->forget_read_ahead();
  state_->reads_in_a_row = 0;
}

void Drive::nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) {
  state_->reservations.name(nexus, names.transport_id);
  if (state_->target_ports.size() < kMaxNexuses && !names.target_port.empty())
    state_->target_ports[nexus] = names.target_port;
}

void Drive::nexus_lost(scsi::NexusId nexus) {
  catch_up(*state_);
  state_->reservations.nexus_lost(nexus);
  keys_follow_reservation(*state_, state_->reservations.preemptions(), nexus, false);
  state_->preventing.erase(nexus);
  state_->target_ports.erase(nexus);
  if (state_->encryption.nexus_lost(nexus)) forget_lost_keys(*state_);
  state_->attentions.forget(nexus);
  state_->alerts.forget(nexus);
}

void Drive::reset() {
  auto& drive = *state_;
  catch_up(drive);
  // What was buffered stays valid; a failure shows at the next command that syncs.
  if (drive.cartridge && drive.cartridge->writable() && drive.cartridge->sync()) note_sync(drive);
  drive.reservations.reset();
  back_to_defaults(drive);
  drive.attentions.restart(codes::kBusDeviceReset);
}

Status Drive::insert(const std::string& cartridge_path, bool write_protected) {
  auto& drive = *state_;
  if (!drive.cartridge_path.empty())
    return fail(ErrorCode::kConflict, "the drive holds a cartridge already", "drive", "eject it first");
  drive.cartridge_path = cartridge_path;
  drive.write_protected = write_protected;
  auto loaded = load(drive);
  if (!loaded) drive.cartridge_path.clear();
  return loaded;
}

Result<std::string> Drive::eject() {
  auto& drive = *state_;
  if (drive.cartridge_path.empty()) return fail(ErrorCode::kConflict, "the drive is empty", "drive");
  if (!drive.preventing.empty())
    return fail(ErrorCode::kConflict, "an initiator prevents the removal of the cartridge", "drive",
                "end the host's use of the drive, or reset it");
  return force_eject();
}

Result<std::string> Drive::force_eject() {
  auto& drive = *state_;
  if (drive.cartridge_path.empty()) return fail(ErrorCode::kConflict, "the drive is empty", "drive");
  catch_up(drive);
  auto unloaded = unload(drive);
  auto path = std::move(drive.cartridge_path);
  drive.cartridge_path.clear();
  if (!unloaded) return std::unexpected(std::move(unloaded).error());
  return path;
}

Status Drive::power_cycle() {
  auto& drive = *state_;
  lose_deferred(drive);
  drive.cartridge.reset();
  drive.read_key.reset();
  drive.reservations.power_on();
  drive.alerts.clear();
  drive.counters = {};
  drive.timestamp_offset.reset();
  back_to_defaults(drive);
  drive.key_path.power_on(drive.options.default_policy);
  drive.attentions.restart(codes::kPowerOn);
  return drive.cartridge_path.empty() ? Status{} : load(drive);
}

void Drive::set_default_policy(scsi::WritePolicyPage policy) {
  state_->options.default_policy = policy;
  state_->key_path.set_policy(std::move(policy));
}

scsi::Response Drive::execute_key_path(const scsi::Command& command) {
  catch_up(*state_);
  const auto found = find_command(command.cdb);
  if (!found) return scsi::check_condition(found.error());
  if (!is_key_path(command.cdb)) return scsi::check_condition({.code = codes::kInvalidOpcode});
  auto outcome = run(*state_, **found, command);
  return outcome ? *std::move(outcome) : scsi::check_condition(outcome.error());
}

bool Drive::confirmation_due() const {
  return state_->key_path.confirmation_due();
}

std::string Drive::cartridge_to_confirm() const {
  return state_->key_path.cartridge_to_confirm();
}

void Drive::show_refused_confirmations(bool shown) {
  state_->key_path.show_refused_confirmations(shown);
}

std::vector<std::string> Drive::take_given_up_confirmations() {
  return state_->key_path.take_given_up();
}

Clock& Drive::clock() const {
  return *state_->env.clock;
}

bool Drive::holds_cartridge() const {
  return !state_->cartridge_path.empty();
}

Cartridge* Drive::cartridge() {
  catch_up(*state_);
  return state_->cartridge.get();
}

const DriveIdentity& Drive::identity() const {
  return *state_->identity;
}

KeyManagement Drive::management() const {
  return state_->options.management;
}

}  // namespace tapewarden::tape

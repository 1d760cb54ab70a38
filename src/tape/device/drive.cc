#include "tape/device/drive.h"

#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::Opcode;

struct TableEntry {
  Opcode opcode;
  Handler handler;
  bool needs_medium;
  bool ignores_attention;    // runs, and leaves a unit attention pending (SPC-4 section 5.13)
  bool ignores_reservation;  // also for another nexus than the holder
};

constexpr bool kMedium = true;
constexpr bool kNoMedium = false;
constexpr bool kAnyTime = true;
constexpr bool kAfterAttention = false;
constexpr bool kShared = true;
constexpr bool kHolderOnly = false;

constexpr auto kTable = std::to_array<TableEntry>({
    {Opcode::kTestUnitReady, test_unit_ready, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kRewind, rewind, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kRequestSense, request_sense, kNoMedium, kAnyTime, kShared},
    {Opcode::kReadBlockLimits, read_block_limits, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kRead6, read, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kWrite6, write, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kWriteFilemarks6, write_filemarks, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kSpace6, space, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kInquiry, inquiry, kNoMedium, kAnyTime, kShared},
    {Opcode::kModeSelect6, mode_select, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kReserve6, reserve, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kRelease6, release, kNoMedium, kAfterAttention, kShared},
    {Opcode::kErase6, erase, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kModeSense6, mode_sense, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kLoadUnload, load_unload, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kPreventAllow, prevent_allow, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kLocate10, locate, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kReadPosition, read_position, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kLogSense, log_sense, kNoMedium, kAfterAttention, kShared},
    {Opcode::kModeSelect10, mode_select, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kModeSense10, mode_sense, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kReadAttribute, read_attribute, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kWriteAttribute, write_attribute, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kSpace16, space, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kLocate16, locate, kMedium, kAfterAttention, kHolderOnly},
    {Opcode::kReportLuns, report_luns, kNoMedium, kAnyTime, kShared},
    {Opcode::kSecurityProtocolIn, security_protocol_in, kNoMedium, kAfterAttention, kHolderOnly},
    {Opcode::kSecurityProtocolOut, security_protocol_out, kNoMedium, kAfterAttention, kHolderOnly},
});

const TableEntry* find_entry(std::uint8_t opcode) {
  for (const auto& entry : kTable)
    if (static_cast<std::uint8_t>(entry.opcode) == opcode) return &entry;
  return nullptr;
}

scsi::Outcome<scsi::Response> run(DriveState& drive, const TableEntry& entry, const scsi::Command& command) {
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
  drive.reserved_by.reset();
  drive.preventing.clear();
  drive.block_length = 0;
  drive.buffered_mode = 1;
  drive.compression = drive.options.compression;
  drive.encryption.reset();
  drive.key_path.reset(drive.options.default_policy);
  forget_keys(drive);
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
  if (!drive.attentions.meet(command.nexus)) return status_only(scsi::ScsiStatus::kBusy);
  drive.encryption.meet(command.nexus);
  const auto* entry = command.cdb.empty() ? nullptr : find_entry(command.cdb[0]);
  if (entry == nullptr)
    return scsi::check_condition({.code = codes::kInvalidOpcode, .field = scsi::FieldPointer{true, 0, {}}});
  const bool held_by_another = drive.reserved_by && *drive.reserved_by != command.nexus;
  if (held_by_another && !entry->ignores_reservation)
    return status_only(scsi::ScsiStatus::kReservationConflict);
  if (!entry->ignores_attention) {
    if (const auto attention = drive.attentions.take(command.nexus))
      return scsi::check_condition({.code = *attention});
  }
  const auto holder = reservation_holder(drive);
  auto response = run(drive, *entry, command);
  keys_follow_reservation(drive, holder, command.nexus);
  if (!response) return scsi::check_condition(response.error());
  return *std::move(response);
}

void Drive::nexus_lost(scsi::NexusId nexus) {
  const auto holder = reservation_holder(*state_);
  if (state_->reserved_by == nexus) state_->reserved_by.reset();
  keys_follow_reservation(*state_, holder, nexus);
  state_->preventing.erase(nexus);
  state_->encryption.nexus_lost(nexus);
  state_->attentions.forget(nexus);
}

void Drive::reset() {
  auto& drive = *state_;
  // What was buffered stays valid; a failure shows at the next command that syncs.
  if (drive.cartridge && drive.cartridge->writable()) static_cast<void>(drive.cartridge->sync().has_value());
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
  auto unloaded = unload(drive);
  auto path = std::move(drive.cartridge_path);
  drive.cartridge_path.clear();
  if (!unloaded) return std::unexpected(std::move(unloaded).error());
  return path;
}

Status Drive::power_cycle() {
  auto& drive = *state_;
  drive.cartridge.reset();
  drive.read_key.reset();
  back_to_defaults(drive);
  drive.attentions.restart(codes::kPowerOn);
  return drive.cartridge_path.empty() ? Status{} : load(drive);
}

bool Drive::holds_cartridge() const {
  return !state_->cartridge_path.empty();
}

Cartridge* Drive::cartridge() {
  return state_->cartridge.get();
}

const DriveIdentity& Drive::identity() const {
  return *state_->identity;
}

KeyManagement Drive::management() const {
  return state_->options.management;
}

}  // namespace tapewarden::tape

#include "tape/device/medium_access.h"

#include <algorithm>

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;

MediumFault fault_of(const Error& error) {
  return error.detail <= detail(MediumFault::kNewerFormat) ? static_cast<MediumFault>(error.detail)
                                                           : MediumFault::kNone;
}

scsi::Sense sense(scsi::SenseCode code) {
  return {.code = code};
}

// The session that a write would use, and what it puts on the cartridge at the beginning of tape.
struct WritePlan {
  SessionChoice choice{};
  KeyMethod method = KeyMethod::kNone;
  KeyInfo info{};
};

// A cartridge that was begun encrypted through a key path is extended through one only: nothing in clear, and
// nothing under a key that its key server does not know, gets between its records.
bool belongs_to_key_path(const Cartridge& cartridge) {
  const auto management = cartridge.identity().management;
  const bool managed = management == KeyManagement::kSystem || management == KeyManagement::kLibrary;
  return managed && !cartridge.begins_cartridge() && cartridge.key_info().info.method != KeyMethod::kNone;
}

scsi::Outcome<WritePlan> application_plan(DriveState& drive, scsi::NexusId nexus) {
  WritePlan plan;
  plan.choice.compression = drive.compression;
  if (belongs_to_key_path(*drive.cartridge)) return scsi::check(codes::kConfigurationPrevented);
  if (drive.options.management != KeyManagement::kApplication) return plan;
  if (drive.encryption.lock_broken(nexus)) return scsi::check(codes::kKeyInstanceCounterChanged);
  const auto& parameters = drive.encryption.effective(nexus);
  if (!parameters.encrypts()) return plan;
  plan.choice.key = parameters.key;
  plan.choice.akad = parameters.akad;
  plan.choice.ukad = parameters.ukad;
  plan.choice.raw_read_blocked = parameters.raw == scsi::RawControl::kDisabled;
  plan.choice.kad_format = static_cast<std::uint8_t>(parameters.kad_format);
  plan.method = KeyMethod::kIdentifiedKey;
  if (drive.session == plan.choice) return plan;  // the check value takes its time, and nobody will need it
  plan.info = {.method = KeyMethod::kIdentifiedKey,
               .eedks = {},
               .signature = {},
               .akad = parameters.akad,
               .ukad = parameters.ukad,
               .check_value = parameters.key->check_value(drive.cartridge->identity().volume)};
  return plan;
}

// Who can write on a cartridge can rewrite its key areas: no tag covers them. So "this tape is clear" is
// believed only as long as nobody asked for encryption and no session says otherwise.
bool must_not_be_clear(const DriveState& drive) {
  if (drive.key_path.policy().encrypt) return true;
  if (drive.session && !drive.session->key) return false;  // looked at when that session began
  const auto sessions = drive.cartridge->session_keys();
  return sessions.unknown || !sessions.check_values.empty();
}

// A key that no session on the tape was sealed with comes from key areas that were put together or put back.
bool is_key_of_tape(const DriveState& drive, const DataKeyHandle& key) {
  if (drive.session && drive.session->key == key) return true;  // looked at when that session began
  const auto values = drive.cartridge->session_keys().check_values;
  return values.empty() ||
         std::ranges::find(values, key->check_value(drive.cartridge->identity().volume)) != values.end();
}

// Clear or encrypted is fixed by the first write of the cartridge, in whatever partition; what is there
// decides about everything after it.
scsi::Outcome<WritePlan> managed_plan(DriveState& drive) {
  WritePlan plan;
  plan.choice.compression = drive.compression;
  if (drive.cartridge->begins_cartridge()) {
    if (!drive.key_path.policy().encrypt) return plan;
    plan.choice.key = TRY(drive.key_path.need(scsi::KeyIntent::kWriteFromBeginning));
    plan.info = drive.key_path.info_to_hold();
    plan.choice.akad = plan.info.akad;
    plan.method = plan.info.method;
    return plan;
  }
  const auto& report = drive.cartridge->key_info();
  if (report.all_lost) return scsi::check(codes::kCartridgeMemoryFailure);
  if (report.info.method == KeyMethod::kNone) {
    if (must_not_be_clear(drive)) return scsi::check(codes::kConfigurationPrevented);
    return plan;
  }
  plan.choice.key = TRY(drive.key_path.need(scsi::KeyIntent::kAppend));
  if (!is_key_of_tape(drive, plan.choice.key)) return scsi::check(codes::kIncorrectKey);
  plan.choice.akad = report.info.akad;
  plan.method = report.info.method;
  plan.info = report.info;
  return plan;
}

scsi::Outcome<void> begin_session(DriveState& drive, WritePlan plan) {
  if (drive.session == plan.choice) return {};
  SessionSpec spec{.key = plan.choice.key,
                   .method = plan.method,
                   .akad = plan.choice.akad,
                   .ukad = plan.choice.ukad,
                   .raw_read_blocked = plan.choice.raw_read_blocked,
                   .kad_format = plan.choice.kad_format,
                   .compression_level = {},
                   .key_info = std::move(plan.info)};
  if (!plan.choice.compression) spec.compression_level = std::uint8_t{0};
  drive.session.reset();
  if (const auto begun = drive.cartridge->set_write_session(std::move(spec)); !begun) {
    drive.cartridge->forget_keys(Leaving::kEnded);  // those of the session before
    drive.read_key.reset();
    return std::unexpected(write_sense(begun.error()));
  }
  drive.session = std::move(plan.choice);
  return {};
}

bool reads_raw(const DriveState& drive, scsi::NexusId nexus) {
  return !drive.key_managed() && drive.encryption.effective(nexus).decryption == scsi::DecryptionMode::kRaw;
}

// Sense that the modes of an application-managed nexus give to the next block, whatever its content.
scsi::Outcome<void> check_modes(DriveState& drive, const EncryptionParameters& parameters) {
  const bool only_encrypted = parameters.decryption == scsi::DecryptionMode::kDecrypt;
  const bool only_external = parameters.check == scsi::ExternalModeCheck::kErrorIfEncrypted;
  if (!only_encrypted && !only_external) return {};
  const auto next = drive.cartridge->next_block();
  if (!next) return std::unexpected(read_sense(drive, next.error()));
  if (next->kind != BlockKind::kData) return {};
  const bool clear = next->encryption == BlockEncryption::kNotEncrypted;
  if (clear && only_encrypted) return scsi::check(codes::kClearWhileDecrypting);
  if (!clear && only_external && parameters.decrypts()) return scsi::check(codes::kEncryptionModeMismatch);
  return {};
}

// Decryption mode RAW: an encrypted block comes as it lies there, unless it was written to be kept from that.
scsi::Outcome<void> check_raw(DriveState& drive) {
  const auto next = drive.cartridge->next_block();
  if (!next) return std::unexpected(read_sense(drive, next.error()));
  const bool sealed = next->kind == BlockKind::kData && next->encryption != BlockEncryption::kNotEncrypted;
  if (sealed && next->raw_read_blocked) return scsi::check(codes::kNotEnabledForRawRead);
  return {};
}

}  // namespace

scsi::Outcome<void> check_writable(const DriveState& drive) {
  if (drive.mounted_read_only) return scsi::check(codes::kWriteProtected);
  if (!drive.cartridge->writable()) return scsi::check(codes::kWriteError);
  return {};
}

scsi::Outcome<void> prepare_write(DriveState& drive, scsi::NexusId nexus) {
  TRY(check_writable(drive));
  const auto identity = drive.cartridge->identity();
  if (identity.worm && !drive.cartridge->at_end_of_data()) return scsi::check(codes::kWormOverwrite);
  auto plan = drive.key_managed() ? TRY(managed_plan(drive)) : TRY(application_plan(drive, nexus));
  TRY(check_overwrite(drive));
  if (drive.cartridge->begins_cartridge() && identity.management != drive.options.management) {
    if (const auto set = drive.cartridge->set_management(drive.options.management); !set)
      return std::unexpected(write_sense(set.error()));
  }
  TRY(begin_session(drive, std::move(plan)));
  drive.writer = nexus;
  return {};
}

void note_write(DriveState& drive, bool from_beginning) {
  if (from_beginning && drive.key_managed() && drive.session && drive.session->key)
    drive.key_path.wrote_from_beginning(facts_of(*drive.cartridge));
}

void note_sync(DriveState& drive) {
  if (drive.key_managed()) drive.key_path.synced();
}

void apply_read_key(DriveState& drive, scsi::NexusId nexus) {
  DataKeyHandle key;
  if (drive.key_managed()) {
    key = drive.key_path.read_key();
  } else if (const auto& parameters = drive.encryption.effective(nexus); parameters.decrypts()) {
    key = parameters.key;
  }
  if (key == drive.read_key) return;
  drive.cartridge->set_read_key(key);
  drive.read_key = std::move(key);
}

scsi::Outcome<RecordView> read_object(DriveState& drive, scsi::NexusId nexus, MutableByteView into) {
  apply_read_key(drive, nexus);
  if (!drive.key_managed()) {
    if (drive.encryption.lock_broken(nexus)) return scsi::check(codes::kKeyInstanceCounterChanged);
    TRY(check_modes(drive, drive.encryption.effective(nexus)));
  }
  const bool raw = reads_raw(drive, nexus);
  if (raw) TRY(check_raw(drive));
  auto record = raw ? drive.cartridge->read_raw_record(into) : drive.cartridge->read_record(into);
  if (record) return *record;
  if (drive.key_managed() && fault_of(record.error()) == MediumFault::kKeyMissing) {
    const auto asked = drive.key_path.need(scsi::KeyIntent::kRead);
    if (!asked) return std::unexpected(asked.error());
  }
  return std::unexpected(read_sense(drive, record.error()));
}

void forget_keys(DriveState& drive, Leaving how) {
  drive.session.reset();
  drive.read_key.reset();
  if (drive.cartridge) drive.cartridge->forget_keys(how);
}

void forget_lost_keys(DriveState& drive) {
  const bool lost = drive.session && drive.session->key && !drive.encryption.has(drive.session->key);
  forget_keys(drive, lost ? Leaving::kBroken : Leaving::kEnded);
}

scsi::Sense write_sense(const Error& error) {
  switch (fault_of(error)) {
    case MediumFault::kEndOfMedium: {
      auto full = sense(codes::kVolumeFull);
      full.end_of_medium = true;
      return full;
    }
    case MediumFault::kWormOverwrite:
      return sense(codes::kWormOverwrite);
    case MediumFault::kWriteProtected:
      return sense(codes::kWriteProtected);
    default:
      return sense(codes::kWriteError);
  }
}

scsi::Sense read_sense(const DriveState& drive, const Error& error) {
  switch (fault_of(error)) {
    case MediumFault::kKeyMissing:
      return sense(codes::kUnableToDecrypt);
    case MediumFault::kKeyDiffers:
      return sense(codes::kIncorrectKey);
    case MediumFault::kTagMismatch:
      return sense(codes::kIntegrityFailed);
    case MediumFault::kChainBroken:
      // With a key the break is a record that was moved or taken out; without one it is damage.
      return sense(drive.read_key ? codes::kIntegrityFailed : codes::kMediumFormatCorrupted);
    case MediumFault::kHeaderDamaged:
    case MediumFault::kTruncated:
      return sense(codes::kMediumFormatCorrupted);
    case MediumFault::kNewerFormat:
      return sense(codes::kIncompatibleFormat);
    default:
      return sense(codes::kUnrecoveredReadError);
  }
}

scsi::Sense motion_sense(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return sense(codes::kEndOfDataDetected);
    case ErrorCode::kCorrupt:
      return sense(codes::kMediumFormatCorrupted);
    case ErrorCode::kUnsupported:
      return sense(codes::kIncompatibleFormat);
    case ErrorCode::kExhausted:
    case ErrorCode::kPermissionDenied:
      return write_sense(error);
    default:
      return sense(codes::kSequentialPositioningError);
  }
}

CartridgeFacts facts_of(const Cartridge& cartridge) {
  const auto identity = cartridge.identity();
  return {identity.volser, identity.volume, cartridge.key_info().info};
}

}  // namespace tapewarden::tape

// Security protocol 20h: what a drive tells about keys and, when it is application-managed, takes from a
// host.
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "tape/device/limits.h"
#include "tape/device/medium_access.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
namespace in = scsi::encryption_in;
namespace at = scsi::set_data_encryption;

constexpr std::uint8_t kAlgorithmIndex = 1;
constexpr std::uint8_t kPositionValid = 2;  // AVFCLP
constexpr std::uint8_t kPositionNotValid = 1;
constexpr std::uint8_t kMaxEedksReported = 2;
constexpr std::uint8_t kConfigurationAllowed = 1;  // CFG_P
constexpr std::uint8_t kConfigurationBlocked = 2;
constexpr std::uint8_t kExternalControlNo = 1;  // EXTDECC
constexpr std::uint8_t kExternalControlYes = 2;

Bytes in_support() {
  return scsi::encode_page_list(
      in::kInSupport, {in::kInSupport, in::kOutSupport, in::kCapabilities, in::kKeyFormats, in::kManagement,
                       in::kStatus, in::kNextBlock, in::kRandomNumber, in::kWrappingKey});
}

Bytes out_support(const DriveState& drive) {
  std::vector<std::uint16_t> pages;
  if (!drive.key_managed()) pages.push_back(scsi::encryption_out::kSetDataEncryption);
  return scsi::encode_page_list(in::kOutSupport, pages);
}

bool host_sets_keys(const DriveState& drive) {
  return drive.options.management == KeyManagement::kApplication;
}

Bytes capabilities(const DriveState& drive) {
  scsi::AlgorithmDescriptor algorithm{.index = kAlgorithmIndex,
                                      .max_unauthenticated = kMaxUnauthenticatedKad,
                                      .max_authenticated = kMaxAuthenticatedKad};
  if (drive.cartridge) {
    algorithm.valid_for_mounted_volume = true;
    const bool writable = drive.cartridge->writable() &&
                          (!drive.cartridge->identity().worm || drive.cartridge->at_end_of_data());
    algorithm.valid_for_position = writable ? kPositionValid : kPositionNotValid;
  }
  if (host_sets_keys(drive)) algorithm.raw_control_capability = scsi::kRawByDefault;
  if (drive.key_managed() && drive.identity->facts().kind == MediumKind::k3592) {
    algorithm.max_eedks = kMaxEedksReported;
    algorithm.max_eedk_size = kMaxEedkBytes;
  }
  return scsi::EncryptionCapabilities{
      .external_control = drive.key_managed() ? kExternalControlYes : kExternalControlNo,
      .configuration_prevent = host_sets_keys(drive) ? kConfigurationAllowed : kConfigurationBlocked,
      .algorithms = {algorithm}}
      .encode();
}

Bytes key_formats(const DriveState& drive) {
  if (!host_sets_keys(drive)) return scsi::encode_key_formats({});
  return scsi::encode_key_formats({scsi::KeyFormat::kPlain, scsi::KeyFormat::kWrapped});
}

// VCELB. What cannot be read may be encrypted: then the volume is said to hold encrypted blocks.
bool holds_encrypted(const DriveState& drive) {
  if (!drive.cartridge) return false;
  const auto keys = drive.cartridge->session_keys();
  return keys.unknown || !keys.check_values.empty();
}

scsi::KadList kads_of(const Bytes& akad, const Bytes& ukad, scsi::Authentication of_akad) {
  scsi::KadList kads;
  if (!ukad.empty())
    kads.push_back({scsi::KadKind::kUnauthenticated, scsi::Authentication::kNotCovered, ukad});
  if (!akad.empty()) kads.push_back({scsi::KadKind::kAuthenticated, of_akad, akad});
  return kads;
}

scsi::EncryptionStatus managed_status(const DriveState& drive) {
  scsi::EncryptionStatus status{.control = drive.options.management == KeyManagement::kLibrary
                                               ? scsi::ParametersControl::kAutomation
                                               : scsi::ParametersControl::kManagement};
  const auto path = drive.key_path.status_page();
  const bool keyed = !path.key_check_value.empty();
  if (keyed && path.may_write) status.encryption = scsi::EncryptionMode::kEncrypt;
  if (keyed) {
    status.decryption = scsi::DecryptionMode::kMixed;
    status.algorithm_index = kAlgorithmIndex;
    status.key_scope = scsi::KeyScope::kAllNexuses;
  }
  return status;
}

scsi::EncryptionStatus application_status(const DriveState& drive, scsi::NexusId nexus) {
  const auto& parameters = drive.encryption.effective(nexus);
  scsi::EncryptionStatus status{
      .nexus_scope = drive.encryption.nexus_scope(nexus),
      .key_scope = parameters.scope,
      .encryption = parameters.encryption,
      .decryption = parameters.decryption,
      .algorithm_index = parameters.key ? kAlgorithmIndex : std::uint8_t{0},
      .key_instance = parameters.key_instance,
      .control = scsi::ParametersControl::kNotExclusive,
      .check = parameters.check,
      .raw_blocked = parameters.raw == scsi::RawControl::kDisabled,
      .kad_format = parameters.kad_format,
      .kads = kads_of(parameters.akad, parameters.ukad, scsi::Authentication::kNone)};
  if (!host_sets_keys(drive)) status.control = scsi::ParametersControl::kDrive;
  return status;
}

Bytes status_page(const DriveState& drive, scsi::NexusId nexus) {
  auto status = drive.key_managed() ? managed_status(drive) : application_status(drive, nexus);
  status.volume_holds_encrypted = holds_encrypted(drive);
  return status.encode();
}

// SSC-4: only encrypted blocks carry descriptors here, and the A-KAD is "good" once the key is known to be
// the one: the session's key check value says so, and a read checks it with the tag.
void describe_encrypted(const NextBlock& next, scsi::NextBlockStatus& status) {
  const bool readable = next.encryption == BlockEncryption::kReadable;
  status.status = readable ? scsi::BlockStatus::kReadable : scsi::BlockStatus::kKeyMissing;
  status.algorithm_index = kAlgorithmIndex;
  status.raw_blocked = next.raw_read_blocked;
  status.kad_format = static_cast<scsi::KadFormat>(next.kad_format);
  status.kads = kads_of(next.akad, next.ukad,
                        readable ? scsi::Authentication::kGood : scsi::Authentication::kNotAttempted);
}

scsi::Outcome<Bytes> next_block_page(DriveState& drive, scsi::NexusId nexus) {
  scsi::NextBlockStatus status;
  if (!drive.cartridge) return status.encode();
  apply_read_key(drive, nexus);
  status.logical_object = drive.cartridge->position().logical_object;
  const auto next = drive.cartridge->next_block();
  if (!next || next->kind == BlockKind::kEndOfData) {
    status.status = scsi::BlockStatus::kNotNow;
    status.compression = scsi::CompressionStatus::kNotNow;
    return status.encode();
  }
  if (next->kind == BlockKind::kFilemark) {
    status.status = scsi::BlockStatus::kNotABlock;
    status.compression = scsi::CompressionStatus::kNotABlock;
    return status.encode();
  }
  status.compression =
      next->compressed ? scsi::CompressionStatus::kCompressed : scsi::CompressionStatus::kNotCompressed;
  status.status = scsi::BlockStatus::kNotEncrypted;
  if (next->encryption != BlockEncryption::kNotEncrypted) describe_encrypted(*next, status);
  return status.encode();
}

Bytes random_number_page(const DriveState& drive) {
  Bytes number(scsi::kRandomNumberBytes);
  drive.env.random->fill(number);
  return scsi::encode_security_page(in::kRandomNumber, number);
}

scsi::Outcome<DataKeyHandle> plain_key(const scsi::SetDataEncryption& page) {
  if (page.key.size() != kDataKeyBytes) return scsi::invalid_in_parameters(at::kKeyLengthByte);
  return std::make_shared<const DataKey>(crypto::SecretBytes::copy_of(page.key));
}

scsi::Outcome<DataKeyHandle> wrapped_key(const DriveState& drive, const scsi::SetDataEncryption& page) {
  const auto wrapped = TRY(scsi::WrappedKey::parse(page.key, at::kKeyByte));
  if (wrapped.parameter_set != scsi::WrappedKey::kRsa2048Oaep)
    return scsi::invalid_in_parameters(at::kKeyByte);
  auto key = drive.identity->unwrap(wrapped.wrapped, wrapped.label);
  if (!key) return scsi::check(codes::kParameterListUndecryptable);
  if (key->size() != kDataKeyBytes) return scsi::invalid_in_parameters(at::kKeyByte);
  return std::make_shared<const DataKey>(*std::move(key));
}

}  // namespace

scsi::Outcome<Bytes> encryption_page(DriveState& drive, scsi::NexusId nexus, std::uint16_t page) {
  switch (page) {
    case in::kInSupport:
      return in_support();
    case in::kOutSupport:
      return out_support(drive);
    case in::kCapabilities:
      return capabilities(drive);
    case in::kKeyFormats:
      return key_formats(drive);
    case in::kManagement:
      return scsi::EncryptionManagement{}.encode();
    case in::kStatus:
      return status_page(drive, nexus);
    case in::kNextBlock:
      return next_block_page(drive, nexus);
    case in::kRandomNumber:
      return random_number_page(drive);
    case in::kWrappingKey:
      return scsi::WrappingKeyPage{.key = drive.identity->wrapping_key().spki()}.encode();
    default:
      return scsi::invalid_in_cdb(2);
  }
}

scsi::Outcome<void> set_data_encryption_page(DriveState& drive, scsi::NexusId nexus, ByteView parameters) {
  if (!host_sets_keys(drive)) return scsi::check(codes::kConfigurationPrevented);
  const auto page = TRY(scsi::SetDataEncryption::parse(parameters));
  const auto hold = drive.reservations.hold_of(nexus);
  const KeyTies ties{.mounted = drive.cartridge != nullptr,
                     .persistently_reserved = drive.reservations.holds_persistently(nexus),
                     .reserved = hold.has_value()};
  TRY(EncryptionControl::check_offered(page, ties));
  DataKeyHandle key;
  if (page.scope != scsi::KeyScope::kPublic && page.needs_key())
    key = page.key_format == scsi::KeyFormat::kPlain ? TRY(plain_key(page)) : TRY(wrapped_key(drive, page));
  forget_keys(drive, Leaving::kEnded);
  for (const auto told : drive.encryption.set(nexus, page, std::move(key), hold))
    drive.attentions.tell(told, codes::kEncryptionParametersChanged);
  return {};
}

void keys_follow_reservation(DriveState& drive, std::uint64_t preemptions_before, scsi::NexusId cause,
                             bool by_command) {
  const auto counter = drive.encryption.key_instance();
  // A preemption leaves somebody holding the device; what ends with nobody is a loss, whatever ended it.
  const bool preempted =
      drive.reservations.preemptions() != preemptions_before && drive.reservations.reserved();
  for (const auto told : drive.encryption.follow(drive.reservations, preempted, cause))
    drive.attentions.tell(told, codes::kEncryptionParametersChanged);
  if (drive.encryption.key_instance() == counter) return;
  if (by_command && drive.writer == cause) {
    forget_keys(drive, Leaving::kEnded);
  } else {
    forget_lost_keys(drive);
  }
}

}  // namespace tapewarden::tape

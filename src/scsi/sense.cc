#include "scsi/sense.h"

#include <array>
#include <limits>

#include "scsi/fields.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {
namespace {

constexpr std::uint8_t kInformationDescriptor = 0x00;
constexpr std::uint8_t kSenseKeySpecificDescriptor = 0x02;
constexpr std::uint8_t kStreamCommandsDescriptor = 0x04;

std::uint8_t stream_flags(const Sense& sense) {
  return joined(flag(sense.filemark, 7), flag(sense.end_of_medium, 6), flag(sense.incorrect_length, 5));
}

void write_field_pointer(ByteWriter& out, const std::optional<FieldPointer>& field) {
  if (!field) {
    out.zeros(3);
    return;
  }
  const auto bit = field->bit ? joined(flag(true, 3), *field->bit) : std::uint8_t{0};
  out.u8(joined(flag(true, 7), flag(field->in_cdb, 6), bit)).u16(field->byte);
}

std::optional<FieldPointer> read_field_pointer(ByteView bytes) {
  if (!bit_at(bytes, 0, 7)) return {};
  FieldPointer field{.in_cdb = bit_at(bytes, 0, 6), .byte = u16_at(bytes, 1), .bit = {}};
  if (bit_at(bytes, 0, 3)) field.bit = bits_at(bytes, 0, 0, 3);
  return field;
}

void read_stream_flags(std::uint8_t flags, Sense& sense) {
  sense.filemark = (flags & 0x80U) != 0;
  sense.end_of_medium = (flags & 0x40U) != 0;
  sense.incorrect_length = (flags & 0x20U) != 0;
}

bool fits_32_bits(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() &&
         value <= std::int64_t{std::numeric_limits<std::uint32_t>::max()};
}

Sense decode_fixed(ByteView data) {
  Sense sense;
  sense.deferred = bits_at(data, 0, 0, 7) == 0x71;
  sense.code.key = static_cast<SenseKey>(bits_at(data, 2, 0, 4));
  read_stream_flags(data[2], sense);
  if (data.size() >= 7 && bit_at(data, 0, 7)) sense.information = static_cast<std::int32_t>(u32_at(data, 3));
  if (data.size() >= 14) {
    sense.code.asc = data[12];
    sense.code.ascq = data[13];
  }
  if (data.size() >= 18 && sense.code.key == SenseKey::kIllegalRequest)
    sense.field = read_field_pointer(data.subspan(15, 3));
  return sense;
}

void read_descriptor(ByteView descriptor, Sense& sense) {
  switch (descriptor[0]) {
    case kInformationDescriptor:
      if (descriptor.size() >= 12 && bit_at(descriptor, 2, 7))
        sense.information = static_cast<std::int64_t>(u64_at(descriptor, 4));
      return;
    case kSenseKeySpecificDescriptor:
      if (descriptor.size() >= 7 && sense.code.key == SenseKey::kIllegalRequest)
        sense.field = read_field_pointer(descriptor.subspan(4, 3));
      return;
    case kStreamCommandsDescriptor:
      if (descriptor.size() >= 4) read_stream_flags(descriptor[3], sense);
      return;
    default:
      return;
  }
}

Sense decode_descriptors(ByteView data) {
  Sense sense;
  sense.deferred = bits_at(data, 0, 0, 7) == 0x73;
  sense.code = {static_cast<SenseKey>(bits_at(data, 1, 0, 4)), data[2],
                data.size() > 3 ? data[3] : std::uint8_t{0}};
  if (data.size() < 8) return sense;
  auto rest = data.subspan(8, std::min<std::size_t>(data[7], data.size() - 8));
  while (rest.size() >= 2) {
    const auto size = std::min<std::size_t>(std::size_t{rest[1]} + 2, rest.size());
    read_descriptor(rest.first(size), sense);
    rest = rest.subspan(size);
  }
  return sense;
}

struct Named {
  SenseCode code;
  std::string_view text;
};

using namespace sense_codes;
constexpr auto kNames = std::to_array<Named>({
    {kNone, "no additional sense"},
    {kFilemarkDetected, "filemark detected"},
    {kEndOfMediumReached, "end of medium reached"},
    {kBeginningOfMediumReached, "beginning of medium reached"},
    {kProgrammableEarlyWarning, "programmable early warning detected"},
    {kEndOfDataDetected, "end of data detected"},
    {kVolumeFull, "end of medium reached, volume full"},
    {kEraseFailure, "erase failure"},
    {kNotReadyLoading, "becoming ready"},
    {kInitializingCommandRequired, "load command required"},
    {kUnitOffline, "logical unit not ready, offline"},
    {kMediumNotPresent, "medium not present"},
    {kWriteError, "write error"},
    {kUnrecoveredReadError, "unrecovered read error"},
    {kIncompatibleFormat, "cannot read medium: incompatible format"},
    {kMediumFormatCorrupted, "medium format corrupted"},
    {kFormatFailed, "format command failed"},
    {kSequentialPositioningError, "sequential positioning error"},
    {kSequentialPositioningRefused, "sequential positioning error"},
    {kDecryptFailure, "decrypt failure"},
    {kInternalTargetFailure, "internal target failure"},
    {kCartridgeMemoryFailure, "cartridge fault"},
    {kParameterListLengthError, "parameter list length error"},
    {kInvalidOpcode, "invalid command operation code"},
    {kNotInAppendOnlyMode, "illegal command when not in append-only mode"},
    {kInvalidFieldInCdb, "invalid field in CDB"},
    {kLogicalUnitNotSupported, "logical unit not supported"},
    {kInvalidFieldInParameters, "invalid field in parameter list"},
    {kKeyFailLimitReached, "data decryption key fail limit reached"},
    {kIncompleteKadSet, "incomplete key-associated data set"},
    {kInvalidRelease, "invalid release of persistent reservation"},
    {kCommandSequenceError, "command sequence error"},
    {kSavingNotSupported, "saving parameters not supported"},
    {kPositionPastBeginning, "position past beginning of medium"},
    {kMediumRemovalPrevented, "medium removal prevented"},
    {kNoRegistrationResources, "insufficient registration resources"},
    {kParameterListUndecryptable, "unable to decrypt parameter list"},
    {kIncorrectEncryptionParameters, "incorrect encryption parameters"},
    {kAlgorithmDisabled, "encryption algorithm disabled"},
    {kKeyAnswerIncorrect, "encryption key answer incorrect"},
    {kKeyExchangeOutOfSequence, "encryption key exchange out of sequence"},
    {kKeyExchangeUnknown, "encryption key exchange unknown"},
    {kMediumMayHaveChanged, "not ready to ready change, medium may have changed"},
    {kPowerOn, "power on, reset, or bus device reset occurred"},
    {kBusDeviceReset, "bus device reset occurred"},
    {kModeParametersChanged, "mode parameters changed"},
    {kLogParametersChanged, "log parameters changed"},
    {kReservationsPreempted, "reservations preempted"},
    {kReservationsReleased, "reservations released"},
    {kRegistrationsPreempted, "registrations preempted"},
    {kTimestampChanged, "timestamp changed"},
    {kEncryptionCapabilitiesChanged, "data encryption capabilities changed"},
    {kEncryptionParametersChanged, "data encryption parameters changed by another I_T nexus"},
    {kEncryptionParametersChangedByVendor, "data encryption parameters changed by vendor specific event"},
    {kKeyInstanceCounterChanged, "data encryption key instance counter has changed"},
    {kKeyChanged, "encryption key changed"},
    {kWriteProtected, "write protected"},
    {kWormOverwrite, "WORM medium, overwrite attempted"},
    {kWriteAppendPosition, "write append position error"},
    {kIncompatibleMedium, "incompatible medium installed"},
    {kUnableToDecrypt, "unable to decrypt data"},
    {kClearWhileDecrypting, "unencrypted data encountered while decrypting"},
    {kIncorrectKey, "incorrect data encryption key"},
    {kIntegrityFailed, "cryptographic integrity validation failed"},
    {kErrorDecrypting, "error decrypting data"},
    {kParametersNotUsable, "encryption parameters not usable"},
    {kEncryptionModeMismatch, "encryption mode mismatch on read"},
    {kNotEnabledForRawRead, "encrypted block not raw read enabled"},
    {kConfigurationPrevented, "data encryption configuration prevented"},
    {kKeyManagerAccessError, "external data encryption key manager access error"},
    {kKeyManagerError, "external data encryption key manager error"},
    {kKeyNotFound, "external data encryption key not found"},
    {kKeyRequestUnauthorized, "external data encryption request not authorized"},
    {kKeyManagerTimeout, "external data encryption control timeout"},
    {kKeyServiceTimeout, "encryption key service timeout"},
    {kKeyServiceFailure, "encryption key service failure"},
    {kKeyRequired, "encryption key required"},
    {kKeyGenerationNeeded, "encryption key generation needed"},
    {kKeyTranslationNeeded, "encryption key translation needed"},
    {kElementLoadFailed, "data transfer device error, load failed"},
    {kElementEjectFailed, "data transfer device error, eject failed"},
    {kElementStatusUnknown, "element status unknown"},
    {kInvalidElementAddress, "invalid element address"},
    {kCartridgeDoesNotFit, "incompatible medium"},
    {kDestinationFull, "medium destination element full"},
    {kSourceEmpty, "medium source element empty"},
    {kRemovalPreventedByDrive, "medium removal prevented by data transfer element"},
    {kImportExportAccessed, "import or export element accessed"},
    {kTransferTooShort, "fewer data bytes than the command asks for"},
    {kBlockGuardCheckFailed, "logical block guard check failed"},
    {kMiscompared, "miscompare during verify operation"},
});

constexpr std::array<std::string_view, 16> kKeyNames = {
    "NO SENSE",       "RECOVERED ERROR", "NOT READY",      "MEDIUM ERROR",
    "HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
    "BLANK CHECK",    "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
    "RESERVED",       "VOLUME OVERFLOW", "MISCOMPARE",     "COMPLETED"};

}  // namespace

Sense Sense::with_information(std::int64_t value) const {
  auto copy = *this;
  copy.information = value;
  return copy;
}

Bytes Sense::encode_fixed() const {
  const bool valid = information && fits_32_bits(*information);
  ByteWriter out;
  out.u8(joined(deferred ? 0x71U : 0x70U, flag(valid, 7)));
  out.u8(0);
  out.u8(joined(stream_flags(*this), static_cast<unsigned>(code.key)));
  out.u32(valid ? static_cast<std::uint32_t>(*information) : 0);
  out.u8(kFixedSenseBytes - 8);
  out.zeros(4);  // command-specific information
  out.u8(code.asc).u8(code.ascq);
  out.u8(0);  // field replaceable unit
  write_field_pointer(out, field);
  return out.take();
}

Bytes Sense::encode_descriptor() const {
  ByteWriter descriptors;
  if (information) {
    descriptors.u8(kInformationDescriptor).u8(0x0a).u8(0x80).u8(0);
    descriptors.u64(static_cast<std::uint64_t>(*information));
  }
  if (field) {
    descriptors.u8(kSenseKeySpecificDescriptor).u8(0x06).zeros(2);
    write_field_pointer(descriptors, field);
    descriptors.u8(0);
  }
  if (stream_flags(*this) != 0)
    descriptors.u8(kStreamCommandsDescriptor).u8(0x02).u8(0).u8(stream_flags(*this));
  ByteWriter out;
  out.u8(deferred ? 0x73 : 0x72).u8(static_cast<std::uint8_t>(code.key)).u8(code.asc).u8(code.ascq).zeros(3);
  out.u8(static_cast<std::uint8_t>(descriptors.size())).bytes(descriptors.view());
  return out.take();
}

Result<Sense> Sense::decode(ByteView data) {
  if (data.size() < 3) return fail(ErrorCode::kCorrupt, "sense data is too short", "sense data");
  switch (data[0] & 0x7fU) {
    case 0x70:
    case 0x71:
      return decode_fixed(data);
    case 0x72:
    case 0x73:
      return decode_descriptors(data);
    default:
      return fail(ErrorCode::kCorrupt, "sense data has an unknown response code", "response code");
  }
}

std::string Sense::text() const {
  std::string out{name_of(code.key)};
  const std::array<std::uint8_t, 2> pair{code.asc, code.ascq};
  const auto hex = to_hex(pair);
  out += ' ' + hex.substr(0, 2) + '/' + hex.substr(2) + ' ';
  out += name_of(code);
  if (information) out += ", residual " + std::to_string(*information);
  if (filemark) out += ", filemark";
  if (end_of_medium) out += ", end of medium";
  if (incorrect_length) out += ", incorrect length";
  if (field)
    out += std::string(field->in_cdb ? ", CDB" : ", parameter") + " byte " + std::to_string(field->byte);
  return out;
}

std::unexpected<Sense> invalid_in_cdb(std::size_t byte, std::optional<std::uint8_t> bit) {
  return std::unexpected(
      Sense{.code = kInvalidFieldInCdb, .field = FieldPointer{true, static_cast<std::uint16_t>(byte), bit}});
}

std::unexpected<Sense> invalid_in_parameters(std::size_t byte, std::optional<std::uint8_t> bit) {
  return std::unexpected(Sense{.code = kInvalidFieldInParameters,
                               .field = FieldPointer{false, static_cast<std::uint16_t>(byte), bit}});
}

std::string_view name_of(SenseKey key) {
  return kKeyNames.at(static_cast<std::size_t>(key) & 0xfU);
}

std::string_view name_of(SenseCode code) {
  for (const auto& named : kNames)
    if (named.code == code) return named.text;
  return "additional sense code";
}

}  // namespace tapewarden::scsi

#include "tape/initiator/tape_error.h"

#include <array>

#include "scsi/sense_codes.h"

namespace tapewarden::tape {
namespace {

namespace codes = scsi::sense_codes;
using scsi::SenseKey;

struct Rule {
  scsi::SenseCode code;
  TapeFault fault;
};

constexpr auto kExact = std::to_array<Rule>({
    {codes::kEndOfDataDetected, TapeFault::kEndOfData},
    {codes::kBeginningOfMediumReached, TapeFault::kBeginningOfTape},
    {codes::kFilemarkDetected, TapeFault::kFilemark},
    {codes::kVolumeFull, TapeFault::kVolumeFull},
    {codes::kWriteProtected, TapeFault::kWriteProtected},
    {codes::kWormOverwrite, TapeFault::kWriteProtected},
    {codes::kKeyGenerationNeeded, TapeFault::kKeyGenerationNeeded},
    {codes::kKeyRequired, TapeFault::kKeyGenerationNeeded},
    {codes::kKeyTranslationNeeded, TapeFault::kKeyTranslationNeeded},
    {codes::kKeyServiceTimeout, TapeFault::kKeyServiceFailed},
    {codes::kKeyServiceFailure, TapeFault::kKeyServiceFailed},
    {codes::kUnableToDecrypt, TapeFault::kNoKey},
    {codes::kIncorrectKey, TapeFault::kWrongKey},
    {codes::kIntegrityFailed, TapeFault::kTampered},
    {codes::kUnitOffline, TapeFault::kOther},  // not ready, but for another reason than a missing cartridge
});

constexpr std::uint8_t kSecurityError = 0x74;
constexpr std::uint8_t kFirstKeyManagerError = 0x61;
constexpr std::uint8_t kLastKeyManagerError = 0x6f;

TapeFault fault_of_key(SenseKey key) {
  switch (key) {
    case SenseKey::kUnitAttention:
      return TapeFault::kUnitAttention;
    case SenseKey::kNotReady:
      return TapeFault::kNoCartridge;
    case SenseKey::kBlankCheck:
      return TapeFault::kEndOfData;
    case SenseKey::kVolumeOverflow:
      return TapeFault::kVolumeFull;
    case SenseKey::kMediumError:
      return TapeFault::kMediumError;
    case SenseKey::kHardwareError:
      return TapeFault::kHardwareError;
    case SenseKey::kIllegalRequest:
      return TapeFault::kIllegalRequest;
    default:
      return TapeFault::kOther;
  }
}

TapeFault fault_of(const scsi::SenseCode& code) {
  for (const auto& rule : kExact)
    if (rule.code == code) return rule.fault;
  if (code.key == SenseKey::kDataProtect && code.asc == kSecurityError) {
    const bool key_manager = code.ascq >= kFirstKeyManagerError && code.ascq <= kLastKeyManagerError;
    return key_manager ? TapeFault::kKeyServiceFailed : TapeFault::kEncryptionRefused;
  }
  return fault_of_key(code.key);
}

ErrorCode code_of(TapeFault fault) {
  switch (fault) {
    case TapeFault::kBusy:
    case TapeFault::kUnitAttention:
    case TapeFault::kKeyGenerationNeeded:
    case TapeFault::kKeyTranslationNeeded:
    case TapeFault::kKeyServiceFailed:
      return ErrorCode::kUnavailable;
    case TapeFault::kReserved:
    case TapeFault::kNoCartridge:
      return ErrorCode::kConflict;
    case TapeFault::kEndOfData:
    case TapeFault::kBeginningOfTape:
    case TapeFault::kFilemark:
      return ErrorCode::kNotFound;
    case TapeFault::kVolumeFull:
      return ErrorCode::kExhausted;
    case TapeFault::kWriteProtected:
    case TapeFault::kEncryptionRefused:
      return ErrorCode::kPermissionDenied;
    case TapeFault::kNoKey:
    case TapeFault::kWrongKey:
      return ErrorCode::kWrongKey;
    case TapeFault::kTampered:
    case TapeFault::kMediumError:
      return ErrorCode::kCorrupt;
    case TapeFault::kIllegalRequest:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

std::string_view to_string(TapeFault fault) {
  constexpr std::array<std::string_view, 21> kNames = {"transport",
                                                       "busy",
                                                       "reserved",
                                                       "unit attention",
                                                       "no cartridge",
                                                       "end of data",
                                                       "beginning of tape",
                                                       "filemark",
                                                       "volume full",
                                                       "write protected",
                                                       "key generation needed",
                                                       "key translation needed",
                                                       "key service failed",
                                                       "no key",
                                                       "wrong key",
                                                       "tampered",
                                                       "encryption refused",
                                                       "medium error",
                                                       "hardware error",
                                                       "illegal request",
                                                       "other"};
  return kNames.at(static_cast<std::size_t>(fault));
}

std::string TapeError::text() const {
  const auto start = command + ": " + std::string(to_string(fault));
  if (fault == TapeFault::kTransport) return start + " (" + transport.text() + ")";
  if (sense == scsi::Sense{}) return start;
  return start + " (" + sense.text() + ")";
}

Error TapeError::error() const {
  if (fault == TapeFault::kTransport) return in_context(command, transport).error();
  std::string remedy;
  if (fault == TapeFault::kNoCartridge)
    remedy = "load a cartridge; where one was to come, its library or engine tells why it did not";
  return {.code = code_of(fault),
          .message = text(),
          .field = {},
          .remedy = std::move(remedy),
          .detail = sense.code.packed()};
}

TapeError tape_error(scsi::ScsiStatus status, const scsi::Sense& sense, std::string_view command) {
  TapeError error{.sense = sense, .command = std::string(command)};
  switch (status) {
    case scsi::ScsiStatus::kCheckCondition:
      error.fault = fault_of(sense.code);
      break;
    case scsi::ScsiStatus::kBusy:
      error.fault = TapeFault::kBusy;
      break;
    case scsi::ScsiStatus::kReservationConflict:
      error.fault = TapeFault::kReserved;
      break;
    case scsi::ScsiStatus::kGood:
      break;
  }
  return error;
}

TapeError transport_error(Error error, std::string_view command) {
  return {.fault = TapeFault::kTransport, .transport = std::move(error), .command = std::string(command)};
}

TapeError malformed(Error error, std::string_view command) {
  return {.fault = TapeFault::kTransport,
          .transport = in_context("the drive's answer", std::move(error)).error(),
          .command = std::string(command)};
}

}  // namespace tapewarden::tape

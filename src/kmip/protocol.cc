#include "kmip/protocol.h"

#include <utility>

#include "base/concat.h"

namespace tapewarden::kmip {
namespace {

// No EKM code and no sense code lies there.
constexpr std::uint32_t kReasonMark = 0x4B4D'0000;
constexpr std::uint32_t kReasonBits = 0xFFFF;

ResultReason nearest(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ResultReason::kInvalidField;
    case ErrorCode::kNotFound:
      return ResultReason::kItemNotFound;
    case ErrorCode::kAlreadyExists:
      return ResultReason::kObjectAlreadyExists;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kConflict:
      return ResultReason::kPermissionDenied;
    case ErrorCode::kUnauthenticated:
      return ResultReason::kAuthenticationNotSuccessful;
    case ErrorCode::kExhausted:
      return ResultReason::kServerLimitExceeded;
    case ErrorCode::kUnsupported:
      return ResultReason::kFeatureNotSupported;
    case ErrorCode::kCorrupt:
    case ErrorCode::kWrongKey:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return ResultReason::kGeneralFailure;
}

struct Successor {
  ResultReason reason;
  ProtocolVersion since;
  ResultReason before;  // what older versions are told
};

constexpr ProtocolVersion k11{1, 1};
constexpr ProtocolVersion k12{1, 2};
constexpr ProtocolVersion k14{1, 4};
constexpr ProtocolVersion k20{2, 0};

constexpr Successor kSuccessors[] = {
    {ResultReason::kKeyFormatTypeNotSupported, {1, 0}, ResultReason::kInvalidField},
    {ResultReason::kKeyCompressionTypeNotSupported, {1, 0}, ResultReason::kInvalidField},
    {ResultReason::kEncodingOptionError, k11, ResultReason::kInvalidField},
    {ResultReason::kKeyValueNotPresent, k12, ResultReason::kPermissionDenied},
    {ResultReason::kAttestationRequired, k12, ResultReason::kPermissionDenied},
    {ResultReason::kAttestationFailed, k12, ResultReason::kPermissionDenied},
    {ResultReason::kSensitive, k14, ResultReason::kPermissionDenied},
    {ResultReason::kNotExtractable, k14, ResultReason::kPermissionDenied},
    {ResultReason::kObjectAlreadyExists, k14, ResultReason::kInvalidField},
    {ResultReason::kInvalidTicket, k20, ResultReason::kAuthenticationNotSuccessful},
    {ResultReason::kUsageLimitExceeded, k20, ResultReason::kPermissionDenied},
    {ResultReason::kNumericRange, k20, ResultReason::kInvalidField},
    {ResultReason::kInvalidDataType, k20, ResultReason::kInvalidField},
    {ResultReason::kReadOnlyAttribute, k20, ResultReason::kPermissionDenied},
    {ResultReason::kMultiValuedAttribute, k20, ResultReason::kInvalidField},
    {ResultReason::kUnsupportedAttribute, k20, ResultReason::kInvalidField},
    {ResultReason::kAttributeInstanceNotFound, k20, ResultReason::kItemNotFound},
    {ResultReason::kAttributeNotFound, k20, ResultReason::kItemNotFound},
    {ResultReason::kAttributeReadOnly, k20, ResultReason::kPermissionDenied},
    {ResultReason::kAttributeSingleValued, k20, ResultReason::kInvalidField},
    {ResultReason::kBadCryptographicParameters, k20, ResultReason::kCryptographicFailure},
    {ResultReason::kBadPassword, k20, ResultReason::kAuthenticationNotSuccessful},
    {ResultReason::kCodecError, k20, ResultReason::kInvalidMessage},
    {ResultReason::kIllegalObjectType, k20, ResultReason::kInvalidField},
    {ResultReason::kIncompatibleCryptographicUsageMask, k20, ResultReason::kPermissionDenied},
    {ResultReason::kInternalServerError, k20, ResultReason::kGeneralFailure},
    {ResultReason::kInvalidAsynchronousCorrelationValue, k20, ResultReason::kItemNotFound},
    {ResultReason::kInvalidAttribute, k20, ResultReason::kInvalidField},
    {ResultReason::kInvalidAttributeValue, k20, ResultReason::kInvalidField},
    {ResultReason::kInvalidCorrelationValue, k20, ResultReason::kInvalidField},
    {ResultReason::kInvalidCSR, k20, ResultReason::kInvalidField},
    {ResultReason::kInvalidObjectType, k20, ResultReason::kInvalidField},
    {ResultReason::kKeyWrapTypeNotSupported, k20, ResultReason::kInvalidField},
    {ResultReason::kMissingInitializationVector, k20, ResultReason::kInvalidMessage},
    {ResultReason::kNonUniqueNameAttribute, k20, ResultReason::kInvalidField},
    {ResultReason::kObjectDestroyed, k20, ResultReason::kPermissionDenied},
    {ResultReason::kObjectNotFound, k20, ResultReason::kItemNotFound},
    {ResultReason::kNotAuthorised, k20, ResultReason::kPermissionDenied},
    {ResultReason::kServerLimitExceeded, k20, ResultReason::kGeneralFailure},
    {ResultReason::kUnknownEnumeration, k20, ResultReason::kInvalidField},
    {ResultReason::kUnknownMessageExtension, k20, ResultReason::kFeatureNotSupported},
    {ResultReason::kUnknownTag, k20, ResultReason::kInvalidMessage},
    {ResultReason::kUnsupportedCryptographicParameters, k20, ResultReason::kCryptographicFailure},
    {ResultReason::kUnsupportedProtocolVersion, k20, ResultReason::kInvalidMessage},
    {ResultReason::kWrappingObjectArchived, k20, ResultReason::kObjectArchived},
    {ResultReason::kWrappingObjectDestroyed, k20, ResultReason::kItemNotFound},
    {ResultReason::kWrappingObjectNotFound, k20, ResultReason::kItemNotFound},
    {ResultReason::kWrongKeyLifecycleState, k20, ResultReason::kPermissionDenied},
};

}  // namespace

std::string to_string(const ProtocolVersion& version) {
  return concat(version.major, ".", version.minor);
}

std::unexpected<Error> refuse(ResultReason reason, std::string message, std::string field) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(field), {},
              kReasonMark | static_cast<std::uint32_t>(reason));
}

ResultReason reason_of(const Error& error, const ProtocolVersion& version) {
  const bool given = (error.detail & ~kReasonBits) == kReasonMark;
  const auto reason = given ? ResultReason(error.detail & kReasonBits) : nearest(error.code);
  for (const auto& entry : kSuccessors) {
    if (entry.reason == reason && version < entry.since) return entry.before;
  }
  return reason;
}

}  // namespace tapewarden::kmip

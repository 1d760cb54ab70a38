#include "dkx/refusal.h"

#include <array>

#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

namespace {

// The ErrorCode on which a client acts.
ErrorCode error_code_of(const Refusal& refusal) {
  if (refusal.retryable()) return ErrorCode::kUnavailable;
  switch (refusal.code) {
    case eedk::EkmCode::kReadMessageFailed:
    case eedk::EkmCode::kMessageNotParsed:
    case eedk::EkmCode::kDriveQueryParameter:
    case eedk::EkmCode::kEedkFlagsConflict:
      return ErrorCode::kInvalidArgument;
    case eedk::EkmCode::kInvalidSignature:
    case eedk::EkmCode::kInvalidSignatureKind:
    case eedk::EkmCode::kDriveKeyUnverified:
      return ErrorCode::kUnauthenticated;
    case eedk::EkmCode::kProhibited:
    case eedk::EkmCode::kDriveNotConfigured:
      return ErrorCode::kPermissionDenied;
    case eedk::EkmCode::kKeyNotHeld:
    case eedk::EkmCode::kKeystoreConfiguration:
    case eedk::EkmCode::kDriveTable:
      return ErrorCode::kNotFound;
    case eedk::EkmCode::kNoKeyToServe:
      return ErrorCode::kExhausted;
    case eedk::EkmCode::kMessageOutOfSequence:
      return ErrorCode::kConflict;
    case eedk::EkmCode::kWaitingForBackup:
      return ErrorCode::kUnavailable;
    case eedk::EkmCode::kNone:
    case eedk::EkmCode::kInternal:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}

}  // namespace

std::string_view to_string(RetryReason reason) {
  static constexpr std::array<std::string_view, 8> kNames{"",
                                                          "none",
                                                          "stale-nonce",
                                                          "waiting-for-replica",
                                                          "waiting-for-backup",
                                                          "waiting-for-operator",
                                                          "busy",
                                                          "not-serving"};
  return kNames.at(static_cast<std::size_t>(reason));
}

Refusal refusal_of(const Error& error, RetryReason retry) {
  Refusal out;
  out.code = eedk::ekm_code_of(error);
  out.message = printable(error.message, kMaxMessageText);
  out.field = printable(error.field, kMaxFieldText);
  out.action =
      printable(error.remedy.empty() ? eedk::describe(out.code).action : error.remedy, kMaxMessageText);
  out.retry = retry;
  return out;
}

Error error_of(const Refusal& refusal) {
  return Error{error_code_of(refusal), refusal.message, refusal.field, refusal.action,
               static_cast<std::uint32_t>(refusal.code)};
}

Bytes encode(const Refusal& refusal) {
  ttlv::Writer out;
  out.begin(kTagRefusal).add_enumeration(kTagErrorCode, refusal.code);
  out.add_enumeration(kTagOrigin, refusal.origin);
  out.add_text(kTagErrorMessage, printable(refusal.message, kMaxMessageText));
  out.add_text(kTagErrorField, printable(refusal.field, kMaxFieldText));
  out.add_text(kTagOperatorAction, printable(refusal.action, kMaxMessageText));
  out.add_enumeration(kTagRetryReason, refusal.retry);
  write_next_nonce(out, refusal.next_nonce);
  out.end();
  return out.take();
}

Result<Refusal> read_refusal(ttlv::Cursor in) {
  Refusal out;
  out.code = TRY(in.enumeration(kTagErrorCode, eedk::EkmCode{1}, eedk::EkmCode{0xFFFF}));
  out.origin = TRY(in.enumeration(kTagOrigin, eedk::Origin::kDrive, eedk::Origin::kKeyServer));
  out.message = TRY(read_printable(in, kTagErrorMessage, 0, kMaxMessageText));
  out.field = TRY(read_printable(in, kTagErrorField, 0, kMaxFieldText));
  out.action = TRY(read_printable(in, kTagOperatorAction, 0, kMaxMessageText));
  out.retry = TRY(in.enumeration(kTagRetryReason, RetryReason::kNone, RetryReason::kNotServing));
  out.next_nonce = TRY(read_next_nonce(in));
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx

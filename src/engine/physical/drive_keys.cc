#include "engine/physical/drive_keys.h"

#include <algorithm>
#include <array>

#include "eedk/ekm_code.h"

namespace tapewarden::engine {
namespace {

using eedk::EkmCode;

enum class Verdict : std::uint8_t {
  kKey,    // that key is not given, to any drive
  kDrive,  // this drive gets none
  kWait,   // later it may be
  kAgain,  // the exchange came to nothing by itself
};

struct Rule {
  EkmCode code;
  std::string_view field;  // of the request; empty: any other
  Verdict verdict;
};

// The first that fits. What a drive signed and nobody could read is that drive's release.
constexpr auto kRules = std::to_array<Rule>({
    {EkmCode::kDriveNotConfigured, "", Verdict::kDrive},
    {EkmCode::kInvalidSignature, "", Verdict::kDrive},
    {EkmCode::kDriveKeyUnverified, "", Verdict::kDrive},
    {EkmCode::kInvalidSignatureKind, "", Verdict::kDrive},
    {EkmCode::kReadMessageFailed, "", Verdict::kDrive},
    {EkmCode::kMessageNotParsed, "labels", Verdict::kKey},
    {EkmCode::kMessageNotParsed, "", Verdict::kDrive},
    {EkmCode::kDriveQueryParameter, "", Verdict::kDrive},
    {EkmCode::kMessageOutOfSequence, "", Verdict::kDrive},
    {EkmCode::kDriveTable, "", Verdict::kAgain},
    {EkmCode::kProhibited, "group", Verdict::kDrive},
    {EkmCode::kProhibited, "label", Verdict::kDrive},
    {EkmCode::kProhibited, "labels", Verdict::kDrive},
    {EkmCode::kProhibited, "proxy", Verdict::kDrive},
    {EkmCode::kProhibited, "certificate.OU", Verdict::kDrive},
    {EkmCode::kProhibited, "quota", Verdict::kWait},
    {EkmCode::kProhibited, "", Verdict::kKey},
    {EkmCode::kKeystoreConfiguration, "kind", Verdict::kDrive},
    {EkmCode::kKeystoreConfiguration, "", Verdict::kKey},
    {EkmCode::kKeyNotHeld, "", Verdict::kKey},
    {EkmCode::kNoKeyToServe, "", Verdict::kKey},
    {EkmCode::kEedkFlagsConflict, "", Verdict::kKey},
    {EkmCode::kInternal, "", Verdict::kWait},
    {EkmCode::kWaitingForBackup, "", Verdict::kWait},
});

Verdict without_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kUnauthenticated:  // of the servers
    case ErrorCode::kInternal:
      return Verdict::kWait;
    case ErrorCode::kIo:
      return Verdict::kAgain;
    default:
      return Verdict::kKey;
  }
}

Verdict verdict_of(const Error& error) {
  const auto fits = [&](const Rule& rule) {
    return static_cast<std::uint32_t>(rule.code) == error.detail &&
           (rule.field.empty() || rule.field == error.field);
  };
  const auto* const rule = std::ranges::find_if(kRules, fits);
  if (rule == kRules.end()) return without_code(error.code);
  const bool may_pass = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
  // A drive that waits to be accepted may pass, too, when somebody accepts it.
  return may_pass && rule->verdict != Verdict::kDrive ? Verdict::kWait : rule->verdict;
}

}  // namespace

std::string KeyNames::text() const {
  std::string out = alias.empty() ? std::string() : "key " + alias;
  for (const auto& label : labels) out += (out.empty() ? "key label " : ", key label ") + label;
  return out;
}

std::unexpected<Error> judge_refusal(const std::string& doing, Error error) {
  switch (verdict_of(error)) {
    case Verdict::kDrive:
      error.code = ErrorCode::kPermissionDenied;
      return mount_fail(MountFault::kDriveKeys, doing, error);
    case Verdict::kAgain:
      return mount_fail(MountFault::kInterrupted, doing, error);
    case Verdict::kWait:
      if (error.code != ErrorCode::kTimeout) error.code = ErrorCode::kUnavailable;
      break;
    case Verdict::kKey:
      // Used-up keys are no full cartridge.
      if (error.code == ErrorCode::kExhausted) error.code = ErrorCode::kConflict;
      break;
  }
  return mount_fail(MountFault::kKeys, doing, error);
}

}  // namespace tapewarden::engine

#include "dkx/server/convert.h"

#include <set>

#include "base/text.h"
#include "base/thread_annotations.h"
#include "crypto/hash.h"
#include "eedk/wrapping_key_message.h"

namespace tapewarden::dkx {

namespace {

keymgr::Intent to_intent(Intent intent) {
  switch (intent) {
    case Intent::kWriteFromBeginning:
      return keymgr::Intent::kWrite;
    case Intent::kAppend:
      return keymgr::Intent::kAppend;
    case Intent::kRekey:
      return keymgr::Intent::kRekey;
    case Intent::kConfirm:
      return keymgr::Intent::kConfirm;
    default:
      return keymgr::Intent::kRead;
  }
}

void put_asked(const Asked& asked, keymgr::KeyRequest& out) {
  if (const auto* labels = std::get_if<LabelsAsked>(&asked)) {
    for (const auto& choice : *labels) out.labels.push_back({choice.label, choice.mode});
  } else if (const auto* group = std::get_if<GroupAsked>(&asked)) {
    out.group = group->name;
  } else if (const auto* alias = std::get_if<AliasAsked>(&asked)) {
    out.alias = alias->alias;
  }
}

// The enrolments whose signature was found good, by a hash of all that was checked: a drive sends the same
// one with every request. Forgets all when full. Thread-safe.
class GoodEnrolments {
 public:
  bool has(const Hash256& enrolment) {
    const MutexLock lock(mutex_);
    return good_.contains(enrolment);
  }
  void add(const Hash256& enrolment) {
    const MutexLock lock(mutex_);
    if (good_.size() >= kRemembered) good_.clear();
    good_.insert(enrolment);
  }

 private:
  static constexpr std::size_t kRemembered = 1024;
  Mutex mutex_;
  std::set<Hash256> good_ TW_GUARDED_BY(mutex_);
};

bool wrapping_key_vouched(const Enrolment& enrolment, const crypto::PublicKey& identity) {
  static GoodEnrolments good;
  ByteWriter checked;
  checked.bytes32(identity.spki()).bytes32(enrolment.wrapping_key).bytes32(enrolment.wrapping_key_signature);
  const Hash256 hash = crypto::sha256(checked.view());
  if (good.has(hash)) return true;
  if (!identity.verify(eedk::wrapping_key_message(enrolment.wrapping_key), enrolment.wrapping_key_signature))
    return false;
  good.add(hash);
  return true;
}

// What a drive that is not pinned yet offers: its certificate, and its wrapping key vouched for by that
// certificate's key. A proxy cannot offer a wrapping key of its own in a drive's name.
Status put_enrolment(const Enrolment& enrolment, keymgr::Caller& caller) {
  const auto offered = crypto::Certificate::from_der(enrolment.certificate);
  if (!offered) {
    return eedk::fail_ekm(ErrorCode::kInvalidArgument, eedk::EkmCode::kInvalidSignature,
                          "the drive's certificate cannot be read", "enrolment.certificate");
  }
  if (!caller.identity.empty() && !(*offered == caller.identity)) {
    return eedk::fail_ekm(ErrorCode::kInvalidArgument, eedk::EkmCode::kInvalidSignature,
                          "the certificate offered is not the one that signed", "enrolment.certificate");
  }
  const auto key = offered->public_key();
  if (!key || key->kind() != crypto::KeyKind::kEcP256 || !wrapping_key_vouched(enrolment, *key)) {
    return eedk::fail_ekm(ErrorCode::kUnauthenticated, eedk::EkmCode::kInvalidSignature,
                          "the wrapping key is not signed by the drive's identity key",
                          "enrolment.signature");
  }
  caller.wrapping_spki = enrolment.wrapping_key;
  caller.wrapping_vouched = true;
  return {};
}

LedgerReference to_wire(const keymgr::LedgerReference& reference) {
  return {reference.server, static_cast<std::uint64_t>(reference.sequence)};
}

CheckStatus status_of(const keymgr::NameStatus& status) {
  if (!status.writable && !status.waits) return CheckStatus::kNotActive;
  return status.public_only ? CheckStatus::kPublicHalfOnly : CheckStatus::kUsable;
}

}  // namespace

Result<keymgr::KeyRequest> to_key_request(const KeyRequest& request, const crypto::Certificate& identity) {
  keymgr::KeyRequest out;
  out.intent = to_intent(request.intent);
  out.caller.serial = request.drive.serial;
  if (request.drive.wwnn) out.caller.wwnn = to_upper(to_hex(*request.drive.wwnn));
  out.caller.kind =
      request.drive.kind == DriveKind::kLto ? keymgr::DriveKind::kLto : keymgr::DriveKind::k3592;
  out.caller.identity = identity;
  if (request.partition) out.caller.partition = *request.partition;
  if (request.drive.enrolment) TRY(put_enrolment(*request.drive.enrolment, out.caller));
  out.request_id = request.request_id;
  out.volser = request.volser;
  out.volume = request.volume;
  if (const auto* set = std::get_if<eedk::EedkSet>(&request.held)) out.eedks = *set;
  if (const auto* dki = std::get_if<eedk::DataKeyIdentifier>(&request.held)) out.dki = *dki;
  put_asked(request.asked, out);
  out.wrapping_key_hash = request.drive.wrapping_key;
  if (request.confirmation) {
    out.request_id = request.confirmation->request;
    out.confirms = {request.confirmation->ledger.server,
                    static_cast<std::int64_t>(request.confirmation->ledger.sequence)};
  }
  return out;
}

KeyAnswer to_wire(const keymgr::KeyAnswer& answer) {
  KeyAnswer out;
  out.sedk = answer.sedk;
  if (answer.eedks) {
    out.to_hold = *answer.eedks;
  } else if (answer.dki) {
    out.to_hold = IdentifiedKey{*answer.dki, answer.alias};
  }
  out.key_check = answer.key_check;
  for (const auto& label : answer.labels) out.labels.push_back(label.label);
  out.may_append = answer.may_append;
  out.ledger = to_wire(answer.ledger);
  return out;
}

CheckLabelsAnswer to_wire(const CheckLabelsRequest& asked, std::span<const keymgr::NameStatus> statuses,
                          std::size_t first_group) {
  CheckLabelsAnswer answer;
  std::size_t label = 0;
  std::size_t group = first_group;
  for (const Check& check : asked.checks) {
    CheckResult result{check, CheckStatus::kUnknown, {}};
    if (check.kind != CheckKind::kAlias) {
      const keymgr::NameStatus& status = statuses[check.kind == CheckKind::kLabel ? label++ : group++];
      if (status.known) result.status = status_of(status);
      result.text = status.writable || status.waits ? status.note : status.problem;
    }
    answer.results.push_back(std::move(result));
  }
  return answer;
}

RetryReason retry_reason(const Error& error) {
  if (eedk::ekm_code_of(error) == eedk::EkmCode::kWaitingForBackup) return RetryReason::kWaitingForBackup;
  if (error.code == ErrorCode::kUnavailable) {
    return eedk::ekm_code_of(error) == eedk::EkmCode::kNoKeyToServe ? RetryReason::kWaitingForReplica
                                                                    : RetryReason::kBusy;
  }
  if (eedk::ekm_code_of(error) == eedk::EkmCode::kDriveNotConfigured) return RetryReason::kWaitingForOperator;
  return RetryReason::kNone;
}

}  // namespace tapewarden::dkx

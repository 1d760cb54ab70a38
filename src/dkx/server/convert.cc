#include "dkx/server/convert.h"

#include "base/text.h"
#include "dkx/signing.h"

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
  if (!key || key->kind() != crypto::KeyKind::kEcP256 ||
      !key->verify(wrapping_key_message(enrolment.wrapping_key), enrolment.wrapping_key_signature)) {
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
      if (status.known) result.status = status.writable ? CheckStatus::kUsable : CheckStatus::kNotActive;
      result.text = status.problem;
    }
    answer.results.push_back(std::move(result));
  }
  return answer;
}

RetryReason retry_reason(const Error& error) {
  if (error.code == ErrorCode::kUnavailable) {
    return eedk::ekm_code_of(error) == eedk::EkmCode::kNoKeyToServe ? RetryReason::kWaitingForReplica
                                                                    : RetryReason::kBusy;
  }
  if (eedk::ekm_code_of(error) == eedk::EkmCode::kDriveNotConfigured) return RetryReason::kWaitingForOperator;
  return RetryReason::kNone;
}

}  // namespace tapewarden::dkx

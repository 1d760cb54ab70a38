// The steps after the plan: cryptography, the transaction, the answer.
#include "keymgr/exchange.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "crypto/random.h"
#include "eedk/ekm_code.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_lookup.h"
#include "keymgr/serve_policy.h"

namespace tapewarden::keymgr {

using eedk::EkmCode;
using eedk::fail_ekm;

Status Exchange::require_genuine() const {
  if (genuine_) return {};
  return fail_ekm(
      ErrorCode::kPermissionDenied, EkmCode::kProhibited,
      "no key server known here sealed this cartridge's EEDKs: it is read only", "eedks",
      "anybody can wrap a key of his own to a public KEK, so such a cartridge may be read, not extended; "
      "add the server that made it, or copy its data to a new cartridge");
}

Status Exchange::prepare() {
  if (request_.intent == Intent::kConfirm || method_ == Method::kIdentifiedKey) return {};
  if (held_) TRY(open_held_set());
  const bool fresh = request_.intent == Intent::kRekey || !held_;
  return fresh && !earlier_ ? make_set() : Status();
}

Status Exchange::open_held_set() {
  auto opened = TRY(open_set(*held_, openers_, decoy_));
  data_key_ = std::move(opened.data_key);
  opened_by_ = std::move(opened.by);
  key_check_ = held_->key_check;
  if (request_.intent == Intent::kRead) return {};
  genuine_ = in_ledger_ || sealed_here() || (earlier_ && request_.intent == Intent::kWrite);
  // New EEDKs for a foreign key would launder it: what is rekeyed counts as sealed here.
  TRY(require_genuine());
  if (request_.intent == Intent::kAppend && !may_extend_cartridge(opened_by_->kek.state)) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kProhibited,
                    "the KEK of this cartridge is " + std::string(to_string(opened_by_->kek.state)) +
                        ": it reads, but extends no cartridge",
                    "eedks", "close the cartridge and write on another one, or rekey it");
  }
  return {};
}

bool Exchange::sealed_here() const {
  if (sealer_.empty()) return false;
  const auto certificate = crypto::Certificate::from_der(sealer_);
  return certificate && eedk::verify_seal(*held_, *certificate).has_value();
}

// EEDKs of the data key for every target: of a fresh key, or of the one just opened (rekey).
Status Exchange::make_set() {
  if (request_.intent == Intent::kWrite) {
    data_key_ = crypto::random_secret(*manager_.context().env.random, kDataKeyBytes);
  }
  eedk::EedkSet set;
  set.volume = request_.volume;
  set.key_check = crypto::key_check_value(data_key_, request_.volume);
  for (const auto& target : targets_) {
    eedk::KekLabel label = eedk::HashLabel{target.kek.id};
    if (target.choice.mode == LabelMode::kClear) label = eedk::ClearLabel{target.choice.label};
    set.eedks.push_back(TRY(eedk::wrap_eedk(data_key_, target.key, std::move(label), request_.volume)));
  }
  const auto& context = manager_.context();
  eedk::seal(set, context.server, context.signing_certificate, context.signing_key);
  key_check_ = set.key_check;
  made_ = std::move(set);
  return {};
}

// Permissions and states as they are at the moment of the commit.
Status Exchange::recheck(store::Transaction& transaction) {
  TRY(recheck_drive(transaction, manager_, checked_));
  if (method_ == Method::kWrappedKey) return recheck_keks(transaction);
  if (!stored_key_) return {};
  const auto now = TRY(manager_.keys().find_by_id(transaction, stored_key_->id));
  const bool reading = request_.intent == Intent::kRead;
  if (!now || now->quarantined != kNever ||
      !(reading ? may_read_cartridge(now->state) : may_extend_cartridge(now->state))) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kKeyNotHeld,
                    "the key " + stored_key_->alias + " changed its state while it was served", "dki",
                    "ask again");
  }
  return check_key_access(transaction, *now, rights());
}

Status Exchange::recheck_keks(store::Transaction& transaction) {
  const auto check = [&](const Kek& kek, bool extends, const std::vector<std::string>& labels,
                         std::span<const Right> rights) -> Status {
    const auto now = TRY(manager_.keks().find(transaction, kek.id));
    if (!now || now->quarantined != kNever ||
        !(extends ? may_extend_cartridge(now->state) : may_read_cartridge(now->state))) {
      return fail_ekm(ErrorCode::kConflict, EkmCode::kKeyNotHeld, "a KEK changed its state while it was used",
                      "labels", "ask again");
    }
    for (const Right right : rights) {
      TRY(manager_.access().check(transaction, checked_.subject, {ObjectKind::kLabel, labels}, right));
    }
    return {};
  };
  const bool extends = request_.intent == Intent::kAppend || request_.intent == Intent::kWrite;
  if (opened_by_) TRY(check(opened_by_->kek, extends, opened_by_->labels, rights()));
  const std::array<Right, 1> write{Right::kWrite};
  for (const auto& target : targets_) TRY(check(target.kek, true, target.labels, write));
  return {};
}

// Takes the key for an identified-key write, by alias or as the next of the group.
Status Exchange::choose_stored_key(store::Transaction& transaction) {
  const auto write = rights();
  if (!choice_.group.empty()) {
    const std::string group = TRY(KeyGroups::require_name(transaction, choice_.group));
    TRY(manager_.access().check(transaction, checked_.subject, {ObjectKind::kGroup, {group}}, Right::kWrite));
    stored_key_ = TRY(manager_.groups().take_next(transaction, group));
  } else {
    const auto key = TRY(key_to_write(transaction, manager_, choice_.alias));
    if (!key) {
      return fail_ekm(
          ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
          "there is no key with the alias \"" + escape_unprintable(choice_.alias.substr(0, 64)) + "\"",
          "alias", "generate or import the key, or name another alias");
    }
    TRY(check_key_access(transaction, *key, write));
    stored_key_ = TRY(manager_.groups().take(transaction, *key));
  }
  data_key_ = TRY(manager_.keys().open(transaction, *stored_key_));
  return {};
}

LedgerEntry Exchange::ledger_entry() const {
  LedgerEntry entry;
  entry.volser = request_.volser;
  entry.volume = request_.volume;
  entry.method = method_;
  entry.purpose = purpose();
  entry.request_id = to_bytes(request_.request_id.view());
  entry.drive = checked_.drive.serial;
  entry.wwnn = checked_.drive.wwnn;
  entry.proxy = request_.caller.proxy ? escape_unprintable(request_.caller.proxy_name) : std::string();
  entry.kcv = to_bytes(ByteView(key_check_));
  if (stored_key_) {
    entry.alias = stored_key_->alias;
    entry.dki = to_bytes(stored_key_->dki.view());
    entry.group = stored_key_->group;
    return entry;
  }
  const auto& set = made_ ? *made_ : *held_;
  if (!in_ledger_) entry.eedk_set = eedk::encode(set);
  if (made_) {
    entry.eedk_set = eedk::encode(set);
    entry.label_1 = targets_.front().choice;
    entry.kek_1 = to_bytes(ByteView(targets_.front().kek.id));
    if (targets_.size() < 2) return entry;
    entry.label_2 = targets_.back().choice;
    entry.kek_2 = to_bytes(ByteView(targets_.back().kek.id));
    return entry;
  }
  entry.kek_1 = to_bytes(ByteView(opened_by_->kek.id));
  if (!openers_.labels.empty()) entry.label_1 = openers_.labels.front();
  if (openers_.labels.size() > 1) entry.label_2 = openers_.labels.back();
  return entry;
}

Result<Exchange::Outcome> Exchange::commit_confirm(store::Transaction& transaction) {
  TRY(recheck_drive(transaction, manager_, checked_));
  entry_ =
      TRY(manager_.ledger().confirm(transaction, request_.confirms, checked_.drive.serial, request_.volume));
  audit_served(transaction, false);
  return Outcome::kDone;
}

Result<Exchange::Outcome> Exchange::commit(store::Transaction& transaction) {
  if (request_.intent == Intent::kConfirm) return commit_confirm(transaction);
  const auto earlier = TRY(manager_.ledger().find_exchange(
      transaction, request_.request_id, checked_.drive.serial, request_.volume, purpose()));
  // The same exchange was answered meanwhile: what was prepared here must not become a second answer.
  if (earlier && !earlier_ && !is_set_aside(*earlier)) {
    look_for_earlier_ = true;
    return Outcome::kAgain;
  }
  const bool identified_write = request_.intent == Intent::kWrite && method_ == Method::kIdentifiedKey;
  if (identified_write && !earlier_) stored_key_.reset();
  TRY(recheck(transaction));
  if (identified_write && !earlier_) TRY(choose_stored_key(transaction));
  if (method_ == Method::kIdentifiedKey) key_check_ = crypto::key_check_value(data_key_, request_.volume);
  // Reading asks only now, and on the thread that has the ledger's pages at hand: see plan_seal().
  if (request_.intent == Intent::kRead && held_) TRY(find_seal(transaction));
  if (!earlier_) TRY(charge_quotas(transaction));
  entry_ = earlier_ ? *earlier_ : TRY(manager_.ledger().add(transaction, ledger_entry()));
  audit_served(transaction, earlier_.has_value());
  return Outcome::kDone;
}

// What is served for the first time counts (K27); rekeying gives no key out.
Status Exchange::charge_quotas(store::Transaction& transaction) const {
  if (request_.intent == Intent::kRekey) return {};
  std::vector<AccessObject> objects;
  if (stored_key_) {
    objects.push_back({ObjectKind::kGroup, {stored_key_->group}});
  } else {
    for (const auto& target : targets_) objects.push_back({ObjectKind::kLabel, target.labels});
    if (opened_by_) objects.push_back({ObjectKind::kLabel, opened_by_->labels});
  }
  return manager_.quotas().charge(
      transaction, {checked_.subject, objects, request_.intent == Intent::kWrite, request_.volume});
}

bool Exchange::is_set_aside(const LedgerEntry& earlier) const {
  return set_aside_ && set_aside_->server == earlier.server && set_aside_->sequence == earlier.sequence;
}

Result<KeyAnswer> Exchange::finish() {
  if (in_ledger_ && held_) cache_.saw_in_ledger(*held_);
  if (request_.intent == Intent::kRead && held_) genuine_ = in_ledger_ || sealed_here();
  KeyAnswer answer;
  answer.method = entry_.method;
  answer.ledger = {entry_.server, entry_.sequence};
  if (request_.intent == Intent::kConfirm) return answer;
  answer.key_check = key_check_;
  if (stored_key_) {
    answer.alias = stored_key_->alias;
    answer.dki = stored_key_->dki;
    answer.may_append = may_extend_cartridge(stored_key_->state);
  } else {
    answer.eedks = made_;
    if (!made_ && request_.intent == Intent::kWrite) answer.eedks = held_;
    if (!made_ && request_.intent == Intent::kRekey)
      answer.eedks = TRY(eedk::decode_eedk_set(entry_.eedk_set));
    for (const auto& target : targets_) answer.labels.push_back(target.choice);
    if (targets_.empty()) answer.labels = openers_.labels;
    answer.may_append = made_ || (genuine_ && opened_by_ && may_extend_cartridge(opened_by_->kek.state));
  }
  if (request_.intent != Intent::kRekey) {
    const auto key = TRY(cache_.public_key(checked_.drive.wrapping_spki));
    answer.sedk = TRY(eedk::wrap_sedk(data_key_, key, request_.volume, request_.request_id));
  }
  data_key_ = {};
  return answer;
}

namespace {

std::vector<std::pair<std::string_view, std::string>> caller_fields(const KeyRequest& request) {
  return {
      {"intent", std::string(to_string(request.intent))},
      {"serial", request.caller.serial.substr(0, 2 * kSerialCharacters)},
      {"wwnn", request.caller.wwnn.substr(0, 32)},
      {"proxy", request.caller.proxy ? request.caller.proxy_name.substr(0, kMaximumProxyNameCharacters) : ""},
      {"volser", request.volser.substr(0, kMaximumVolserCharacters)},
      {"volume", request.volume.text()},
      {"request", request.request_id.text()}};
}

Actor device(const KeyRequest& request) {
  const auto& name = request.caller.proxy ? request.caller.proxy_name : request.caller.serial;
  return {name.substr(0, kMaximumProxyNameCharacters), ActorKind::kDevice};
}

}  // namespace

void Exchange::audit_served(store::Transaction& transaction, bool retry) const {
  auto fields = caller_fields(request_);
  fields.emplace_back("method", std::string(to_string(entry_.method)));
  fields.emplace_back("ledger", entry_.server.text() + "/" + std::to_string(entry_.sequence));
  if (!entry_.alias.empty()) fields.emplace_back("alias", entry_.alias);
  if (!entry_.label_1.label.empty()) fields.emplace_back("label_1", entry_.label_1.label);
  if (!entry_.label_2.label.empty()) fields.emplace_back("label_2", entry_.label_2.label);
  if (retry) fields.emplace_back("retry", "yes");
  if (waited_) {
    fields.emplace_back("waited_ms",
                        std::to_string(to_millis(manager_.context().now()) - to_millis(waited_->since)));
    fields.emplace_back("asked", std::to_string(waited_->asked + 1));
  }
  note(transaction, manager_.context(),
       {.type = AuditType::kKeyServing,
        .action = request_.intent == Intent::kConfirm ? "key.confirm" : "key.serve",
        .actor = device(request_),
        .fields = std::move(fields)});
}

// Keeps what an unknown or changed drive shows of itself, for an operator. True: it was accepted at once.
Result<bool> Exchange::note_drive(store::Transaction& transaction) {
  if (!canonical_serial(request_.caller.serial)) return false;
  const auto policy = TRY(manager_.settings().unknown_drives(transaction));
  const bool known = TRY(manager_.drives().find(transaction, request_.caller.serial)).has_value();
  if (!known && policy == UnknownDrives::kReject) return false;
  return TRY(manager_.drives().discover(transaction, request_.caller, policy == UnknownDrives::kAccept))
      .accepted;
}

Status Exchange::refuse(store::Transaction& transaction, const Error& error,
                        std::optional<std::uint64_t> repeated, bool& accepted_now) {
  accepted_now = false;
  const auto code = eedk::ekm_code_of(error);
  if (code == EkmCode::kDriveNotConfigured || code == EkmCode::kDriveKeyUnverified) {
    accepted_now = TRY(note_drive(transaction));
  }
  if (!repeated) return {};
  auto fields = caller_fields(request_);
  fields.emplace_back("code", eedk::to_string(code));
  fields.emplace_back("reason", error.message);
  if (!error.field.empty()) fields.emplace_back("field", error.field);
  if (*repeated > 0) fields.emplace_back("repeated", std::to_string(*repeated));
  note(transaction, manager_.context(),
       {.type = AuditType::kKeyServing,
        .action = is_waiting(error) ? "key.wait" : "key.refuse",
        .actor = device(request_),
        .success = false,
        .fields = std::move(fields)});
  return {};
}

std::string_view to_string(Intent intent) {
  switch (intent) {
    case Intent::kWrite:
      return "write-from-beginning";
    case Intent::kAppend:
      return "append";
    case Intent::kRead:
      return "read";
    case Intent::kRekey:
      return "rekey";
    case Intent::kConfirm:
      return "confirm";
  }
  return "unknown";
}

}  // namespace tapewarden::keymgr

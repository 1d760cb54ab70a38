// The first step: what the keystore says about the request.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "crypto/hash.h"
#include "eedk/ekm_code.h"
#include "keymgr/exchange.h"
#include "keymgr/key_lookup.h"
#include "keymgr/limits.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

using eedk::EkmCode;
using eedk::fail_ekm;

namespace {

std::unexpected<Error> malformed(std::string message, std::string field) {
  return fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kMessageNotParsed, std::move(message),
                  std::move(field));
}

// A cartridge says what it is: one method's identifier, not none and not both.
Status check_held(const KeyRequest& request) {
  if (request.dki.has_value() == request.eedks.has_value()) {
    return fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kEedkFlagsConflict,
                    "the cartridge must hold either a key identifier or EEDKs", "eedks");
  }
  if (!request.eedks) return {};
  if (request.eedks->eedks.empty() || request.eedks->eedks.size() > eedk::kMaxEedks) {
    return fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kEedkFlagsConflict,
                    "a cartridge holds one or two EEDKs", "eedks");
  }
  if (request.eedks->volume != request.volume) {
    return fail_ekm(ErrorCode::kInvalidArgument, EkmCode::kEedkFlagsConflict,
                    "the EEDKs belong to another volume", "eedks", "read the cartridge's memory again");
  }
  return {};
}

bool pin_expired(const Drive& drive, WallTime now) {
  if (drive.certificate.empty()) return false;
  const auto pinned = crypto::Certificate::from_der(drive.certificate);
  return pinned && pinned->not_after() < now;
}

}  // namespace

Exchange::Exchange(KeyManager& manager, KeyCache& cache, const crypto::PrivateKey& decoy, KeyRequest request)
    : manager_(manager),
      cache_(cache),
      decoy_(decoy),
      request_(std::move(request)),
      look_for_earlier_(request_.intent != Intent::kRead && request_.intent != Intent::kWrite) {}

Purpose Exchange::purpose() const {
  switch (request_.intent) {
    case Intent::kWrite:
      return Purpose::kWrite;
    case Intent::kAppend:
      return Purpose::kAppend;
    case Intent::kRekey:
      return Purpose::kRekey;
    case Intent::kRead:
    case Intent::kConfirm:
      break;
  }
  return Purpose::kRead;
}

// Who appends could also read with the key that he gets.
std::vector<Right> Exchange::rights() const {
  if (request_.intent == Intent::kWrite) return {Right::kWrite};
  if (request_.intent == Intent::kAppend) return {Right::kWrite, Right::kRead};
  return {Right::kRead};
}

Status Exchange::check_shape() const {
  if (request_.volser.size() > kMaximumVolserCharacters || !is_printable(request_.volser)) {
    return malformed("the volser is too long or not printable", "volser");
  }
  if (request_.caller.proxy_name.size() > kMaximumProxyNameCharacters ||
      request_.caller.partition.size() > kMaximumProxyNameCharacters) {
    return malformed("the proxy's or partition's name is too long", "proxy");
  }
  if (request_.intent == Intent::kConfirm) return {};
  if (request_.request_id.is_nil()) return malformed("the request has no id", "request_id");
  if (request_.volume.is_nil()) return malformed("the request names no volume", "volume");
  if (request_.labels.size() > eedk::kMaxEedks) return malformed("there are more than two labels", "labels");
  for (const auto& choice : request_.labels) {
    if (!eedk::check_label(choice.label, "labels"))
      return malformed("a label does not fit its rule", "labels");
  }
  if (request_.intent == Intent::kRekey && (!request_.eedks || request_.labels.empty())) {
    return malformed("rekey needs the cartridge's EEDKs and new labels", "labels");
  }
  if (request_.intent == Intent::kWrite) return {};
  return check_held(request_);
}

// Back to where the constructor left it: a plan may be made again.
void Exchange::forget() {
  checked_ = {};
  earlier_.reset();
  set_aside_.reset();
  choice_ = {};
  stored_key_.reset();
  targets_.clear();
  held_.reset();
  openers_ = {};
  sealer_ = {};
  in_ledger_ = genuine_ = false;
  data_key_ = {};
  opened_by_.reset();
  made_.reset();
}

Status Exchange::plan(store::Reader& reader) {
  const Status planned = plan_once(reader);
  if (planned || look_for_earlier_ || request_.intent != Intent::kWrite) return planned;
  // What was answered before is answered again, also when it would be refused as a new request.
  look_for_earlier_ = true;
  return plan_once(reader);
}

Status Exchange::plan_once(store::Reader& reader) {
  forget();
  TRY(check_shape());
  checked_ = TRY(check_drive(reader, manager_, request_.caller));
  if (request_.intent == Intent::kConfirm) return {};
  if (request_.intent != Intent::kRekey) TRY(check_wrapping_pin(checked_.drive, request_.wrapping_key_hash));
  // The certificate shown is not checked against an authority, its key alone counts. So the pinned one's time
  // binds as well: who holds the key could make himself a certificate with a later one.
  const bool expired =
      request_.caller.certificate_expired || pin_expired(checked_.drive, manager_.context().now());
  if (expired && request_.intent != Intent::kRead) {
    return fail_ekm(
        ErrorCode::kPermissionDenied, EkmCode::kDriveKeyUnverified,
        "the certificate of drive " + checked_.drive.serial + " has expired: it is served for reading only",
        "identity", "renew the drive's certificate and pin the new one");
  }
  const bool makes_keys =
      request_.intent == Intent::kWrite && choose_method(request_, checked_.drive) == Method::kWrappedKey;
  if (look_for_earlier_ || makes_keys) {
    earlier_ = TRY(manager_.ledger().find_exchange(reader, request_.request_id, checked_.drive.serial,
                                                   request_.volume, purpose()));
  }
  switch (request_.intent) {
    case Intent::kWrite:
      return plan_write(reader);
    case Intent::kRekey:
      return plan_rekey(reader);
    default:
      method_ = request_.dki ? Method::kIdentifiedKey : Method::kWrappedKey;
      held_ = request_.eedks;
      return request_.dki ? plan_stored_key(reader) : plan_held_set(reader);
  }
}

// A drive puts on its cartridge what its kind can hold. One that gets the other method's answer would write
// with a key that the cartridge does not name.
Status Exchange::check_method() const {
  const Method holds = request_.caller.kind == DriveKind::kLto ? Method::kIdentifiedKey : Method::kWrappedKey;
  if (method_ == holds) return {};
  const std::string said(to_string(request_.caller.kind));
  const std::string known(to_string(checked_.drive.kind));
  return fail_ekm(ErrorCode::kConflict, EkmCode::kKeystoreConfiguration,
                  "drive " + checked_.drive.serial + " says that it is of kind " + said +
                      ", which cannot hold a key of the " +
                      (method_ == Method::kIdentifiedKey ? "identified-key" : "wrapped-key") + " method",
                  "kind",
                  known == said ? "ask for a group or alias with an LTO drive, for labels with a 3592 drive"
                                : "the drive table has it as " + known + ": correct its kind there");
}

Status Exchange::plan_write(store::Reader& reader) {
  method_ = earlier_ ? earlier_->method : choose_method(request_, checked_.drive);
  TRY(check_method());
  return method_ == Method::kIdentifiedKey ? plan_identified_write(reader) : plan_wrapped_write(reader);
}

Status Exchange::plan_identified_write(store::Reader& reader) {
  if (!earlier_) {
    choice_ = TRY(choose_identified(reader, manager_, request_, checked_.drive));
    return {};
  }
  // A retry gets the key of the first answer, as long as that key may still be written with.
  stored_key_ = TRY(key_of_entry(reader, manager_, *earlier_));
  if (!stored_key_ || !may_extend_cartridge(stored_key_->state)) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kProhibited,
                    "the key that this exchange was given may not be written with any more", "request_id",
                    "ask again under a new request");
  }
  TRY(check_key_access(reader, *stored_key_, rights()));
  data_key_ = TRY(manager_.keys().open(reader, *stored_key_));
  return {};
}

Status Exchange::plan_wrapped_write(store::Reader& reader) {
  if (earlier_) {
    // Known EEDKs are opened again; when that cannot be done here, the exchange begins anew with a fresh key.
    const auto set = eedk::decode_eedk_set(earlier_->eedk_set);
    if (set) {
      openers_ = TRY(gather_openers(reader, manager_, cache_, checked_.subject, *set, rights()));
      const bool writable =
          !openers_.usable.empty() && may_extend_cartridge(openers_.usable.front().kek.state);
      if (writable) held_ = *set;
    }
    if (held_) return {};
    set_aside_ = std::exchange(earlier_, std::nullopt);
  }
  return plan_targets(reader, TRY(choose_labels(reader, manager_, request_.labels, checked_.drive)));
}

Status Exchange::plan_targets(store::Reader& reader, const std::vector<LabelChoice>& choices) {
  for (const auto& choice : choices) {
    auto target = TRY(resolve_label(reader, manager_, cache_, choice));
    const bool twice = std::ranges::any_of(targets_, [&](const WrapTarget& other) {
      return other.kek.id == target.kek.id && other.choice.mode == choice.mode;
    });
    if (twice) continue;
    TRY(manager_.access().check(reader, checked_.subject, {ObjectKind::kLabel, target.labels},
                                Right::kWrite));
    targets_.push_back(std::move(target));
  }
  return check_recoverable(reader, manager_, targets_);
}

Status Exchange::plan_stored_key(store::Reader& reader) {
  stored_key_ = TRY(key_of_tape(reader, manager_, request_));
  const auto alias = request_.dki->alias();
  const std::string shown = alias ? *alias : request_.dki->hex();
  if (!stored_key_) {
    return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeyNotHeld,
                    "the key " + shown + " of this tape is not held here", "dki");
  }
  TRY(check_key_access(reader, *stored_key_, rights()));
  if (request_.intent == Intent::kAppend && !may_extend_cartridge(stored_key_->state)) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kProhibited,
                    "the key " + shown + " is " + std::string(to_string(stored_key_->state)) +
                        ": it reads, but extends no cartridge",
                    "dki", "close the cartridge and write on another one");
  }
  data_key_ = TRY(manager_.keys().open(reader, *stored_key_));
  return {};
}

Status Exchange::check_key_access(store::Reader& reader, const DataKey& key,
                                  std::span<const Right> rights) const {
  AccessObject object{ObjectKind::kGroup, {}};
  if (!key.group.empty()) object.names.push_back(key.group);
  for (const Right right : rights) TRY(manager_.access().check(reader, checked_.subject, object, right));
  return {};
}

Status Exchange::plan_held_set(store::Reader& reader) {
  openers_ = TRY(gather_openers(reader, manager_, cache_, checked_.subject, *held_, rights()));
  if (openers_.usable.empty() && openers_.denied.empty()) TRY(plan_rewrapped(reader));
  return plan_seal(reader);
}

// The cartridge does not have the EEDKs yet that were made for its data key since: they stand in the ledger.
Status Exchange::plan_rewrapped(store::Reader& reader) {
  for (const auto& set : TRY(manager_.ledger().rewrapped(reader, *held_))) {
    auto openers = TRY(gather_openers(reader, manager_, cache_, checked_.subject, set, rights()));
    if (openers.usable.empty()) continue;
    held_ = set;
    openers_ = std::move(openers);
    return {};
  }
  return {};
}

// A key for reading is given out whoever sealed it; that only tells whether the cartridge may be extended. So
// commit() finds it out.
Status Exchange::plan_seal(store::Reader& reader) {
  return request_.intent == Intent::kRead ? Status() : find_seal(reader);
}

// What vouches for the EEDKs: the ledger, or a seal whose server is known. The signature is checked later.
Status Exchange::find_seal(store::Reader& reader) {
  sealer_ = {};
  in_ledger_ = TRY(cache_.in_ledger(manager_.ledger(), reader, *held_));
  if (in_ledger_ || !held_->seal) return {};
  const auto row = TRY(reader.get(kServerTable, {to_bytes(held_->seal->server.view())}));
  if (row) sealer_ = ServerRow::from_row(*row).signing_certificate;
  return {};
}

Status Exchange::plan_rekey(store::Reader& reader) {
  method_ = Method::kWrappedKey;
  held_ = request_.eedks;
  TRY(plan_held_set(reader));
  return plan_targets(reader, request_.labels);
}

}  // namespace tapewarden::keymgr

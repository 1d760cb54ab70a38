#include "tape/device/key_path.h"

#include <algorithm>

#include "base/assert.h"
#include "eedk/ekm_code.h"
#include "scsi/sense_codes.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

using scsi::KeyIntent;
namespace codes = scsi::sense_codes;

scsi::SenseCode asking_sense(KeyIntent intent) {
  return intent == KeyIntent::kWriteFromBeginning ? codes::kKeyGenerationNeeded
                                                  : codes::kKeyTranslationNeeded;
}

Bytes check_value_bytes(const std::optional<KeyCheckValue>& value) {
  return value ? to_bytes(*value) : Bytes{};
}

// The state to report after an answer that was no key: an authentic refusal is told as one, everything else
// is the carrier's fault and leaves the request open.
std::optional<scsi::KeyRefusal> refusal_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return scsi::KeyRefusal::kNotFound;
    case ErrorCode::kPermissionDenied:
      return scsi::KeyRefusal::kNotAuthorized;
    default:
      return {};
  }
}

// Neither time nor a hand at the drive table or the servers mends it.
bool is_final(const scsi::RefusalPage& page) {
  if (page.reason == scsi::KeyRefusal::kUnreachable || page.reason == scsi::KeyRefusal::kTimeout)
    return false;
  switch (static_cast<eedk::EkmCode>(page.ekm_code)) {
    case eedk::EkmCode::kNone:
    case eedk::EkmCode::kInternal:
    case eedk::EkmCode::kDriveTable:
    case eedk::EkmCode::kDriveNotConfigured:
    case eedk::EkmCode::kWaitingForBackup:
      return false;
    default:
      return true;
  }
}

}  // namespace

bool KeyPath::grant_allows(KeyIntent intent) const {
  if (!grant_) return false;
  switch (intent) {
    case KeyIntent::kWriteFromBeginning:
      return grant_->is_new;
    case KeyIntent::kAppend:
      return grant_->may_write && (!grant_->is_new || grant_->began);
    case KeyIntent::kRead:
      return !grant_->is_new || grant_->began;
    default:
      return false;
  }
}

scsi::Outcome<DataKeyHandle> KeyPath::need(KeyIntent intent) {
  if (grant_allows(intent)) return grant_->key;
  if (refusal_) {
    const auto code = scsi::sense_of(refusal_->reason);
    refusal_.reset();
    return scsi::check(code);
  }
  const bool same = request_ && request_->intent == intent &&
                    (intent != KeyIntent::kWriteFromBeginning || request_->policy == policy_);
  if (!same) {
    exchange_under_way_.reset();
    request_ = Request{intent, Uuid::random(random_), policy_};
  }
  return scsi::check(asking_sense(intent));
}

void KeyPath::set_policy(scsi::WritePolicyPage policy) {
  if (policy == policy_) return;
  if (grant_ && grant_->is_new) grant_.reset();
  policy_ = std::move(policy);
}

DataKeyHandle KeyPath::read_key() const {
  return grant_allows(KeyIntent::kRead) ? grant_->key : DataKeyHandle{};
}

void KeyPath::wrote_from_beginning(const CartridgeFacts& cartridge) {
  if (!grant_ || !grant_->is_new) return;
  if (!grant_->began)
    begun_ = Confirmation{grant_->request, grant_->receipt, {cartridge.volser, cartridge.volume, {}}};
  grant_->began = true;
}

void KeyPath::synced() {
  if (!begun_) return;
  remember(*std::move(begun_));
  begun_.reset();
}

void KeyPath::remember(Confirmation confirmation) {
  if (due_.size() == kMaxConfirmations)
    give_up(due_.back().refusals != 0 ? std::prev(due_.end()) : due_.begin());
  const auto refused = std::ranges::find_if(due_, [](const auto& due) { return due.refusals != 0; });
  due_.insert(refused, std::move(confirmation));
}

void KeyPath::ask_for_rekey(scsi::RekeyPage page) {
  exchange_under_way_.reset();
  new_info_.reset();
  request_ = Request{KeyIntent::kRekey, Uuid::random(random_), {.labels = std::move(page.labels)}};
}

std::optional<KeyInfo> KeyPath::take_new_info() {
  if (!new_info_ || std::exchange(new_info_->taken, true)) return {};
  return new_info_->info;
}

// Invariant 7.
void KeyPath::rekeyed(const CartridgeFacts& cartridge) {
  TW_ASSERT(new_info_ && new_info_->taken);
  remember({new_info_->request, std::move(new_info_->receipt), {cartridge.volser, cartridge.volume, {}}});
  new_info_.reset();
  grant_.reset();
}

KeyPath::Due::const_iterator KeyPath::next_due() const {
  if (due_.empty() || (due_.front().refusals != 0 && !refused_shown_)) return due_.end();
  return due_.begin();
}

KeyPath::Due::const_iterator KeyPath::find_due(const Uuid& request) const {
  return std::ranges::find(due_, request, &Confirmation::request);
}

std::string KeyPath::cartridge_to_confirm() const {
  const auto next = next_due();
  return next == due_.end() ? "" : next->cartridge.volser;
}

void KeyPath::give_up(Due::const_iterator confirmation) {
  if (given_up_.size() < kMaxConfirmations) given_up_.push_back(confirmation->cartridge.volser);
  due_.erase(confirmation);
}

scsi::KeyRequestPage KeyPath::request_page(const CartridgeFacts* cartridge) const {
  const auto& facts = identity_.facts();
  scsi::KeyRequestPage page{.method = method_ == KeyMethod::kWrappedKey ? scsi::KeyMethodCode::kWrappedKey
                                                                        : scsi::KeyMethodCode::kIdentifiedKey,
                            .drive_serial = facts.serial,
                            .world_wide_node_name = facts.world_wide_node_name,
                            .drive_certificate = identity_.certificate().der(),
                            .wrapping_key = identity_.wrapping_key().spki(),
                            .wrapping_key_signature = identity_.wrapping_key_signature(),
                            .policy = request_ ? request_->policy : policy_};
  if (request_) {
    page.intent = request_->intent;
    page.request = request_->id;
  }
  if (cartridge != nullptr) {
    page.volser = cartridge->volser;
    page.volume = cartridge->volume;
    page.eedks = cartridge->held.eedks;
    page.eedk_signature = cartridge->held.signature;
    if (cartridge->held.method == KeyMethod::kIdentifiedKey) page.data_key_identifier = cartridge->held.akad;
    page.key_check_value = check_value_bytes(cartridge->held.check_value);
  }
  return page;
}

scsi::Outcome<KeyAsk> KeyPath::ask_for(const scsi::ChallengePage& page) const {
  if (page.confirm) {
    const auto next = next_due();
    if (next == due_.end()) return scsi::check(codes::kKeyExchangeOutOfSequence);
    if (next->request != page.request) return scsi::check(codes::kKeyExchangeUnknown);
    return KeyAsk{.intent = KeyIntent::kConfirm,
                  .method = method_,
                  .request = page.request,
                  .confirmed_request = page.request,
                  .receipt = next->receipt,
                  .partition = partition_};
  }
  if (!request_) return scsi::check(codes::kKeyExchangeOutOfSequence);
  if (request_->id != page.request) return scsi::check(codes::kKeyExchangeUnknown);
  return KeyAsk{.intent = request_->intent,
                .method = method_,
                .request = request_->id,
                .policy = request_->policy,
                .partition = partition_};
}

scsi::Outcome<void> KeyPath::challenge(const scsi::ChallengePage& page, const CartridgeFacts* cartridge) {
  if (exchange_ == nullptr) return scsi::check(codes::kCommandSequenceError);
  auto ask = TRY(ask_for(page));
  auto certificate = crypto::Certificate::from_der(page.server_certificate);
  if (!certificate || !identity_.trusts(*certificate)) return scsi::check(codes::kKeyAnswerIncorrect);
  ServerChallenge challenge{page.nonce, page.channel_binding, page.server, *std::move(certificate)};
  // A confirmation is of the cartridge that was written, which may have left the drive since.
  const CartridgeFacts none;
  const auto& present = cartridge != nullptr ? *cartridge : none;
  const auto& facts = page.confirm ? next_due()->cartridge : present;
  auto message = exchange_->build_signed_request(challenge, identity_.facts(), facts, ask, identity_);
  if (!message || message->size() > scsi::key_path::kMaxMessageBytes)
    return scsi::check(codes::kIncorrectEncryptionParameters);
  exchange_under_way_ = Exchange{std::move(ask), std::move(challenge), *std::move(message)};
  return {};
}

scsi::Outcome<scsi::ExchangeMessagePage> KeyPath::signed_request() const {
  if (!exchange_under_way_) return scsi::check(codes::kKeyExchangeOutOfSequence);
  return scsi::ExchangeMessagePage{exchange_under_way_->ask.request, exchange_under_way_->signed_request};
}

scsi::Outcome<void> KeyPath::answer(const scsi::ExchangeMessagePage& page, const CartridgeFacts* cartridge) {
  if (!exchange_under_way_ || exchange_ == nullptr) return scsi::check(codes::kKeyExchangeOutOfSequence);
  const auto& under_way = *exchange_under_way_;
  if (under_way.ask.request != page.request) return scsi::check(codes::kKeyExchangeUnknown);
  if (under_way.ask.intent == KeyIntent::kConfirm) {
    if (!exchange_->accept_confirmation(under_way.challenge, under_way.signed_request, page.message))
      return scsi::check(codes::kKeyAnswerIncorrect);
    std::erase_if(due_, [&](const auto& due) { return due.request == page.request; });
    exchange_under_way_.reset();
    return {};
  }
  if (cartridge == nullptr) return scsi::check(codes::kKeyExchangeOutOfSequence);
  auto grant = exchange_->accept_answer(under_way.challenge, under_way.signed_request, page.message,
                                        *cartridge, under_way.ask, identity_);
  const bool rekey = under_way.ask.intent == KeyIntent::kRekey;
  if (grant) return rekey ? take_eedks(*std::move(grant), *cartridge) : take(*std::move(grant), *cartridge);
  const auto reason = refusal_of(grant.error());
  if (!reason) return scsi::check(codes::kKeyAnswerIncorrect);
  return refuse({page.request, *reason, static_cast<std::uint16_t>(grant.error().detail & 0xffffU)});
}

// Invariant 1. What the key opens is known by its check value, so a wrong key is found before it is used.
scsi::Outcome<void> KeyPath::take(KeyGrant grant, const CartridgeFacts& cartridge) {
  TW_ASSERT(exchange_under_way_);
  const auto& ask = exchange_under_way_->ask;
  if (grant.data_key.size() != kDataKeyBytes) return scsi::check(codes::kKeyAnswerIncorrect);
  auto key = std::make_shared<const DataKey>(std::move(grant.data_key));
  const auto value = key->check_value(cartridge.volume);
  if (!grant.info.check_value || *grant.info.check_value != value)
    return scsi::check(codes::kKeyAnswerIncorrect);
  const bool is_new = ask.intent == KeyIntent::kWriteFromBeginning;
  if (is_new) {
    if (grant.info.method != method_ || !check_key_info(grant.info))
      return scsi::check(codes::kKeyAnswerIncorrect);
  } else if (cartridge.held.check_value && *cartridge.held.check_value != value) {
    return scsi::check(codes::kKeyAnswerIncorrect);
  }
  grant_ = Grant{.key = std::move(key),
                 .info = std::move(grant.info),
                 .may_write = is_new || grant.may_write,
                 .is_new = is_new,
                 .began = false,
                 .request = ask.request,
                 .receipt = std::move(grant.receipt)};
  // A key that was asked for appending and only reads would be asked for again without end.
  if (ask.intent == KeyIntent::kAppend && !grant_->may_write)
    refusal_ = scsi::RefusalPage{ask.request, scsi::KeyRefusal::kNotAuthorized, 0};
  request_.reset();
  exchange_under_way_.reset();
  return {};
}

// Invariant 7: the answer holds no key, so its check value is all that ties it to the cartridge's.
scsi::Outcome<void> KeyPath::take_eedks(KeyGrant grant, const CartridgeFacts& cartridge) {
  TW_ASSERT(exchange_under_way_);
  const auto& held = cartridge.held;
  const bool same_key = held.check_value && grant.info.check_value == held.check_value;
  if (!same_key || grant.info.method != KeyMethod::kWrappedKey || grant.info.eedks.empty() ||
      !check_key_info(grant.info))
    return scsi::check(codes::kKeyAnswerIncorrect);
  new_info_ = NewInfo{std::move(grant.info), exchange_under_way_->ask.request, std::move(grant.receipt)};
  request_.reset();
  exchange_under_way_.reset();
  return {};
}

// One that a key server does not take must not keep those behind it from being made.
bool KeyPath::postpone_confirmation(const scsi::RefusalPage& page) {
  const auto found = find_due(page.request);
  if (found == due_.end()) return false;
  Confirmation refused = *found;
  ++refused.refusals;
  if (is_final(page) && refused.refusals >= kMaxConfirmationTries) {
    give_up(found);
    return true;
  }
  due_.erase(found);
  due_.push_back(std::move(refused));
  return true;
}

scsi::Outcome<void> KeyPath::refuse(const scsi::RefusalPage& page) {
  if (!request_ || request_->id != page.request) {
    if (postpone_confirmation(page)) return {};
  }
  if (!request_) return scsi::check(codes::kKeyExchangeOutOfSequence);
  if (request_->id != page.request) return scsi::check(codes::kKeyExchangeUnknown);
  if (request_->intent != KeyIntent::kRekey) refusal_ = page;
  last_ekm_code_ = page.ekm_code;
  request_.reset();
  exchange_under_way_.reset();
  return {};
}

scsi::KeyPathStatusPage KeyPath::status_page() const {
  scsi::KeyPathStatusPage page{.confirm_due = confirmation_due(), .ekm_code = last_ekm_code_};
  if (grant_) {
    page.state = scsi::KeyPathState::kKeyed;
    page.may_write = grant_->may_write;
    page.request = grant_->request;
    page.key_check_value = check_value_bytes(grant_->info.check_value);
  }
  if (page.confirm_due) page.confirm_request = next_due()->request;
  if (refusal_) {
    page.state = scsi::KeyPathState::kRefused;
    page.request = refusal_->request;
  }
  if (request_) {
    const bool challenged = exchange_under_way_ && exchange_under_way_->ask.request == request_->id;
    page.state = challenged ? scsi::KeyPathState::kChallenged : scsi::KeyPathState::kRequested;
    page.request = request_->id;
  }
  return page;
}

void KeyPath::drop() {
  request_.reset();
  exchange_under_way_.reset();
  grant_.reset();
  refusal_.reset();
  begun_.reset();
  new_info_.reset();
}

void KeyPath::unload(const scsi::WritePolicyPage& default_policy) {
  drop();
  policy_ = default_policy;
}

void KeyPath::reset(const scsi::WritePolicyPage& default_policy) {
  unload(default_policy);
  last_ekm_code_ = 0;
}

void KeyPath::power_on(const scsi::WritePolicyPage& default_policy) {
  reset(default_policy);
  due_.clear();
}

}  // namespace tapewarden::tape

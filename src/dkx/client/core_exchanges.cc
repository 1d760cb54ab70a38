#include <algorithm>

#include "dkx/client/core.h"
#include "dkx/limits.h"
#include "dkx/signing.h"

namespace tapewarden::dkx {

namespace {

constexpr unsigned kMaxStaleNonces = 3;

// Whether the other server may know better: it may hold a key that has not been copied yet, or own keys of a
// group that is used up here; and the one that gave out a key knows of it before it has been copied.
bool other_may_help(const Refusal& refusal, Intent intent) {
  using eedk::EkmCode;
  if (refusal.retry == RetryReason::kWaitingForOperator) return false;
  if (intent == Intent::kConfirm && refusal.code == EkmCode::kMessageOutOfSequence) return true;
  return refusal.retryable() || refusal.code == EkmCode::kKeyNotHeld ||
         refusal.code == EkmCode::kNoKeyToServe || refusal.code == EkmCode::kInternal;
}

bool waits(const std::optional<Refusal>& refusal) {
  return refusal && refusal->retry == RetryReason::kWaitingForBackup;
}

bool answers(const AnswerBody& body, Intent intent) {
  switch (intent) {
    case Intent::kCheckLabels:
      return std::holds_alternative<CheckLabelsAnswer>(body);
    case Intent::kConfirm:
      return std::holds_alternative<ConfirmAnswer>(body);
    default:
      return std::holds_alternative<KeyAnswer>(body);
  }
}

// The Builder's request as it may be sent; what is wrong with it is found here rather than by the server.
Result<Intent> check_request(const RequestEnvelope& request, bool needs_nonce) {
  const auto body = TRY(decode_request_body(request.body));
  if (std::holds_alternative<KeyRequest>(body) != needs_nonce ||
      (request.signer == SignerKind::kNone) == needs_nonce) {
    return fail(ErrorCode::kInvalidArgument, "an exchange carries a signed key request", "request");
  }
  return intent_of(body);
}

}  // namespace

void Client::Core::exchange(Builder builder, bool needs_nonce, Completion completion) {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (stopped_ || exchanges_.size() >= kMaxExchanges) {
      Result<Answered> error = stopped_ ? fail(ErrorCode::kUnavailable, "the client has been shut down")
                                        : fail(ErrorCode::kExhausted, "too many exchanges are under way", "",
                                               "wait until some have been answered");
      effects.add([completion = std::move(completion), error] { completion(error); });
    } else {
      Exchange fresh;
      fresh.id = next_exchange_++;
      fresh.builder = std::make_shared<const Builder>(std::move(builder));
      fresh.completion = std::move(completion);
      fresh.needs_nonce = needs_nonce;
      fresh.deadline = now() + timing_.exchange;
      advance(exchanges_.emplace(fresh.id, std::move(fresh)).first->second, effects);
      arm(effects);
    }
  }
  effects.run();
}

void Client::Core::check_labels(std::vector<Check> checks, Completion completion) {
  CheckLabelsRequest request{{}, std::move(checks)};
  env_.random->fill(request.challenge);
  exchange(
      [request](const Attempt&) -> Result<RequestEnvelope> {
        if (request.checks.empty() || request.checks.size() > kMaxChecks) {
          return fail(ErrorCode::kInvalidArgument, "one message asks for 1 to 32 labels and groups",
                      "checks");
        }
        return unsigned_request(0, encode(request));
      },
      false, std::move(completion));
}

Client::Core::Exchange* Client::Core::find(std::uint64_t id, unsigned attempt) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end() || !found->second.link || found->second.attempts != attempt) return nullptr;
  return &found->second;
}

// Visits a snapshot of the ids, because a visit may finish its exchange.
void Client::Core::for_each_exchange(const std::function<void(Exchange&)>& visit) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, exchange] : exchanges_) ids.push_back(id);
  for (const auto id : ids) {
    if (const auto found = exchanges_.find(id); found != exchanges_.end()) visit(found->second);
  }
}

// The primary where it can be had, but rather not the one that has just failed or is silent.
std::optional<std::size_t> Client::Core::choose(const Exchange& exchange) const {
  std::optional<std::size_t> best;
  unsigned best_cost = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!links_[i].usable() || exchange.refusals[i]) continue;
    const unsigned cost = (exchange.avoid == i ? 2U : 0U) + (links_[i].suspected() ? 1U : 0U);
    if (best && cost >= best_cost) continue;
    best = i;
    best_cost = cost;
  }
  return best;
}

void Client::Core::set_deadline(Exchange& exchange, SteadyTime at) {
  exchange.attempt_deadline = at;
  earliest_ = std::min({earliest_, at, exchange.deadline});
}

void Client::Core::advance(Exchange& exchange, Effects& effects) {
  if (exchange.link) links_[*exchange.link].forget(exchange.id);
  exchange.link.reset();
  if (exchange.attempts >= exchange.attempts_allowed) {
    return finish(exchange, std::unexpected(unreachable()), effects);
  }
  if (const auto link = choose(exchange)) return begin_attempt(exchange, *link, effects);
  const bool any_refused =
      std::ranges::any_of(exchange.refusals, [](const auto& it) { return it.has_value(); });
  if (any_refused) return settle(exchange, effects);
  set_deadline(exchange, now() + timing_.patience);
}

void Client::Core::begin_attempt(Exchange& exchange, std::size_t index, Effects& effects) {
  Link& link = links_[index];
  exchange.link = index;
  ++exchange.attempts;
  set_deadline(exchange, now() + timing_.attempt);
  if (!exchange.needs_nonce) return sign_attempt(exchange, Nonce{}, effects);
  if (const auto nonce = link.take_nonce()) return sign_attempt(exchange, *nonce, effects);
  link.wait_for_nonce({exchange.id, exchange.attempts});
  link.ask_for_nonces(now(), effects);
}

void Client::Core::sign_attempt(Exchange& exchange, const Nonce& nonce, Effects& effects) {
  const Link& link = links_[*exchange.link];
  const Attempt attempt{link.server(),     nonce, link.binding(), link.role(), exchange.attempts,
                        link.certificate()};
  effects.add([self = shared_from_this(), id = exchange.id, builder = exchange.builder, attempt] {
    self->build(id, builder, attempt);
  });
}

void Client::Core::build(std::uint64_t id, std::shared_ptr<const Builder> builder, const Attempt& attempt) {
  auto request = (*builder)(attempt);
  Effects effects;
  {
    const MutexLock lock(mutex_);
    // An attempt that was given up meanwhile has another number; its link may even have gone.
    Exchange* exchange = find(id, attempt.number);
    if (exchange == nullptr) return;
    const auto intent = request ? check_request(*request, exchange->needs_nonce)
                                : Result<Intent>(std::unexpected(request.error()));
    if (!intent) {
      finish(*exchange, std::unexpected(intent.error()), effects);
    } else {
      exchange->intent = *intent;
      links_[*exchange->link].send({Awaited::Purpose::kExchange, std::move(*request), id, attempt.number},
                                   effects);
    }
    arm(effects);
  }
  effects.run();
}

void Client::Core::give_nonces(std::size_t index, Effects& effects) {
  Link& link = links_[index];
  while (const auto waiting = link.next_waiting()) {
    Exchange* exchange = find(waiting->exchange, waiting->attempt);
    if (exchange == nullptr) continue;
    if (const auto nonce = link.take_nonce()) {
      sign_attempt(*exchange, *nonce, effects);
    } else {
      link.wait_for_nonce(*waiting);
      return link.ask_for_nonces(now(), effects);
    }
  }
}

void Client::Core::unpark(Effects& effects) {
  for_each_exchange([&](Exchange& exchange) TW_NO_THREAD_SAFETY_ANALYSIS {
    if (!exchange.link) advance(exchange, effects);
  });
}

void Client::Core::answered(Exchange& exchange, AnswerBody body, const AnswerEnvelope& envelope,
                            Effects& effects) {
  if (auto* refusal = std::get_if<Refusal>(&body)) return refused(exchange, std::move(*refusal), effects);
  const std::size_t index = *exchange.link;
  if (!answers(body, exchange.intent)) {
    return drop(index,
                Error{ErrorCode::kInvalidArgument, "the answer does not fit the request", "body", "", 0},
                effects);
  }
  finish(exchange,
         Answered{std::move(body), links_[index].server(), links_[index].role(), exchange.attempts, envelope},
         effects);
}

void Client::Core::refused(Exchange& exchange, Refusal refusal, Effects& effects) {
  const std::size_t index = *exchange.link;
  if (refusal.retry == RetryReason::kStaleNonce && exchange.stale_nonces < kMaxStaleNonces) {
    // What else was given out with it is likely to be as stale.
    ++exchange.stale_nonces;
    links_[index].clear_nonces();
    if (refusal.next_nonce) links_[index].add_nonce(*refusal.next_nonce);
    return begin_attempt(exchange, index, effects);
  }
  const bool ask_other = other_may_help(refusal, exchange.intent);
  exchange.refusals[index] = std::move(refusal);
  exchange.avoid = index;
  if (ask_other) return advance(exchange, effects);
  settle(exchange, effects);
}

// Every server that can be had has refused. A key that waits for its backup is worth another question.
void Client::Core::settle(Exchange& exchange, Effects& effects) {
  const SteadyTime next = now() + timing_.ask_again;
  if (std::ranges::none_of(exchange.refusals, waits) || next >= exchange.deadline) {
    return finish_refused(exchange, effects);
  }
  if (exchange.link) links_[*exchange.link].forget(exchange.id);
  exchange.link.reset();
  set_deadline(exchange, next);
}

void Client::Core::ask_again(Exchange& exchange, Effects& effects) {
  for (auto& refusal : exchange.refusals) {
    if (waits(refusal)) refusal.reset();
  }
  exchange.avoid.reset();
  exchange.stale_nonces = 0;
  exchange.attempts_allowed = exchange.attempts + kMaxAttempts;
  advance(exchange, effects);
}

// Of two refusals the one that may pass, else the one that is final for its own reasons, else the primary's.
void Client::Core::finish_refused(Exchange& exchange, Effects& effects) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto& refusal = exchange.refusals[i];
    if (refusal && (!best || (refusal->retryable() && !exchange.refusals[*best]->retryable()))) best = i;
  }
  finish(exchange,
         Answered{
             *exchange.refusals[*best], links_[*best].server(), links_[*best].role(), exchange.attempts, {}},
         effects);
}

void Client::Core::finish(Exchange& exchange, Result<Answered> result, Effects& effects) {
  if (exchange.link) links_[*exchange.link].forget(exchange.id);
  effects.add(
      [completion = std::move(exchange.completion), result = std::move(result)] { completion(result); });
  exchanges_.erase(exchange.id);
}

Error Client::Core::unreachable() const {
  Error out{ErrorCode::kUnavailable, "no key server can be reached", "",
            "look whether the key servers run and can be reached from here", 0};
  bool all_untrusted = true;
  for (const auto& link : links_) {
    const auto status = link.status();
    out.message += std::string(link.role() == ServerRole::kPrimary ? ": " : "; ") +
                   std::string(to_string(link.role())) + " ";
    if (status.connection == Connection::kUp) {
      out.message += status.address + ": " + std::string(to_string(status.state)) +
                     (status.state_text.empty() ? "" : ", " + status.state_text);
    } else {
      out.message += status.failure ? status.failure->message : status.address + ": still connecting";
    }
    all_untrusted &= status.failure && status.failure->code == ErrorCode::kUnauthenticated;
  }
  if (all_untrusted) out.code = ErrorCode::kUnauthenticated;
  return out;
}

void Client::Core::tick_exchange(Exchange& exchange, SteadyTime at, Effects& effects) {
  if (at >= exchange.deadline) {
    const bool waiting = !exchange.link && std::ranges::any_of(exchange.refusals, waits);
    if (waiting) return finish_refused(exchange, effects);
    if (!exchange.link) return finish(exchange, std::unexpected(unreachable()), effects);
    return finish(
        exchange,
        fail(ErrorCode::kTimeout, links_[*exchange.link].connector().address() + " did not answer in time",
             "", "ask again: the request id makes sure that no second key is used"),
        effects);
  }
  if (at < exchange.attempt_deadline) return;
  if (!exchange.link && std::ranges::any_of(exchange.refusals, waits)) return ask_again(exchange, effects);
  if (!exchange.link) return finish(exchange, std::unexpected(unreachable()), effects);
  // Silence: look for a sign of life, and go over to the other server only when it stands ready; a slow
  // server is better than none.
  const std::size_t silent = *exchange.link;
  links_[silent].suspect(at, effects);
  exchange.avoid = silent;
  const auto other = choose(exchange);
  if (other && *other != silent) return advance(exchange, effects);
  set_deadline(exchange, at + timing_.attempt);
}

}  // namespace tapewarden::dkx

#include "dkx/client/link.h"

#include <algorithm>

#include "base/assert.h"
#include "dkx/limits.h"
#include "dkx/signing.h"

namespace tapewarden::dkx {

namespace {
constexpr std::size_t kNoncesKept = 64;
}  // namespace

Link::Link(ServerRole role, ServerConfig config, const ClientTiming& timing, Random& random)
    : role_(role),
      config_(std::move(config)),
      timing_(timing),
      random_(random),
      backoff_(timing.backoff_first) {}

std::uint64_t Link::begin(SteadyTime now) {
  TW_ASSERT(phase_ == Phase::kBackingOff);
  phase_ = Phase::kConnecting;
  deadline_ = now + timing_.connect;
  return ++generation_;
}

void Link::adopt(std::uint64_t generation, std::shared_ptr<Transport> transport, SteadyTime now,
                 Effects& effects) {
  if (!current(generation) || phase_ != Phase::kConnecting) {
    effects.add([transport] { transport->close(); });
    return;
  }
  transport_ = std::move(transport);
  if (binding_) say_hello(now, effects);
}

void Link::connected(const ChannelBinding& binding, SteadyTime now, Effects& effects) {
  if (phase_ != Phase::kConnecting || binding_) return;
  binding_ = binding;
  // The transport may connect before connect() has returned it.
  if (transport_) say_hello(now, effects);
}

bool Link::greeted(const Greeting& greeting, SteadyTime now) {
  const bool was_up = phase_ == Phase::kUp;
  phase_ = Phase::kUp;
  hello_awaited_ = false;
  server_ = greeting.hello.server;
  certificate_ = greeting.certificate;
  server_state_ = greeting.hello.state;
  state_text_ = greeting.hello.state_text;
  backoff_ = timing_.backoff_first;
  was_up_or_failed_ = true;
  for (const Nonce& nonce : greeting.hello.nonces) add_nonce(nonce);
  heard(now);
  return !was_up;
}

void Link::end_connection(Effects& effects) {
  ++generation_;
  if (transport_) effects.add([transport = std::move(transport_)] { transport->close(); });
  transport_.reset();
  binding_.reset();
  awaited_.clear();
  nonces_.clear();
  waiting_.clear();
  hello_awaited_ = false;
  ping_awaited_ = false;
  suspected_ = false;
}

void Link::drop(Error reason, SteadyTime now, Effects& effects) {
  end_connection(effects);
  phase_ = Phase::kBackingOff;
  failure_ = std::move(reason);
  was_up_or_failed_ = true;
  // Between half and all of the back-off, so that many clients do not come back in step.
  std::array<std::uint8_t, 1> dice{};
  random_.fill(dice);
  deadline_ = now + backoff_ / 2 + backoff_ * dice[0] / 512;
  backoff_ = std::min(backoff_ * 2, timing_.backoff_limit);
}

void Link::stop(Effects& effects) {
  end_connection(effects);
  phase_ = Phase::kStopped;
}

void Link::send(Awaited awaited, Effects& effects) {
  TW_ASSERT(transport_ != nullptr && (phase_ == Phase::kGreeting || phase_ == Phase::kUp));
  while (awaited_.contains(next_message_id_)) ++next_message_id_;
  awaited.request.message_id = next_message_id_++;
  effects.add([transport = transport_, bytes = encode(awaited.request)] { transport->send(bytes); });
  awaited_.emplace(awaited.request.message_id, std::move(awaited));
}

std::optional<Awaited> Link::take(std::uint32_t message_id) {
  const auto found = awaited_.find(message_id);
  if (found == awaited_.end()) return std::nullopt;
  Awaited out = std::move(found->second);
  awaited_.erase(found);
  return out;
}

void Link::forget(std::uint64_t exchange) {
  std::erase_if(awaited_, [&](const auto& entry) {
    return entry.second.purpose == Awaited::Purpose::kExchange && entry.second.exchange == exchange;
  });
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.exchange == exchange; });
}

void Link::heard(SteadyTime now) {
  last_heard_ = now;
  ping_awaited_ = false;
  suspected_ = false;
}

std::optional<Nonce> Link::take_nonce() {
  if (nonces_.empty()) return std::nullopt;
  const Nonce out = nonces_.front();
  nonces_.pop_front();
  return out;
}

void Link::add_nonce(const Nonce& nonce) {
  if (nonces_.size() < kNoncesKept) nonces_.push_back(nonce);
}

std::optional<Waiting> Link::next_waiting() {
  if (waiting_.empty()) return std::nullopt;
  const Waiting out = waiting_.front();
  waiting_.pop_front();
  return out;
}

Nonce Link::challenge() {
  Nonce out;
  random_.fill(out);
  return out;
}

void Link::say_hello(SteadyTime now, Effects& effects) {
  if (phase_ == Phase::kConnecting) phase_ = Phase::kGreeting;
  hello_awaited_ = true;
  hello_deadline_ = now + timing_.connect;
  const HelloRequest hello{{kVersion}, challenge(), kMaxNonces};
  send({Awaited::Purpose::kHello, unsigned_request(0, encode(hello)), 0, 0}, effects);
}

void Link::ask_for_nonces(SteadyTime now, Effects& effects) {
  if (!hello_awaited_ && phase_ == Phase::kUp) say_hello(now, effects);
}

void Link::ping(SteadyTime now, Effects& effects) {
  ping_awaited_ = true;
  ping_deadline_ = now + timing_.ping_answer;
  send({Awaited::Purpose::kPing, unsigned_request(0, encode(PingRequest{challenge()})), 0, 0}, effects);
}

void Link::suspect(SteadyTime now, Effects& effects) {
  if (phase_ != Phase::kUp) return;
  suspected_ = true;
  if (!ping_awaited_) ping(now, effects);
}

bool Link::set_server_state(ServerState state, const std::string& text) {
  const bool changed = state != server_state_ || text != state_text_;
  server_state_ = state;
  state_text_ = text;
  return changed;
}

SteadyTime Link::due() const {
  switch (phase_) {
    case Phase::kStopped:
      return SteadyTime::max();
    case Phase::kUp: {
      SteadyTime out = ping_awaited_ ? ping_deadline_ : last_heard_ + timing_.ping_interval;
      if (hello_awaited_) out = std::min(out, hello_deadline_);
      return out;
    }
    default:
      return deadline_;
  }
}

Link::Due Link::tick(SteadyTime now, Effects& effects) {
  if (now < due()) return Due::kNothing;
  if (phase_ == Phase::kBackingOff) return Due::kBegin;
  if (phase_ != Phase::kUp || ping_awaited_ || (hello_awaited_ && now >= hello_deadline_))
    return Due::kTimedOut;
  ping(now, effects);
  return Due::kNothing;
}

ServerStatus Link::status() const {
  ServerStatus out;
  out.role = role_;
  out.address = config_.connector->address();
  out.connection = phase_ == Phase::kUp ? Connection::kUp
                   : was_up_or_failed_  ? Connection::kDown
                                        : Connection::kConnecting;
  out.failure = failure_;
  out.server = server_;
  out.state = phase_ == Phase::kUp ? server_state_ : ServerState::kNotServing;
  out.state_text = state_text_;
  return out;
}

}  // namespace tapewarden::dkx

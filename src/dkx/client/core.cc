#include "dkx/client/core.h"

#include <algorithm>

#include "base/assert.h"
#include "dkx/signing.h"

namespace tapewarden::dkx {

namespace {

// Passes what a transport says on to the core, as long as there is one.
template <typename Core>
class Handler final : public TransportHandler {
 public:
  Handler(std::weak_ptr<Core> core, std::size_t link, std::uint64_t generation)
      : core_(std::move(core)), link_(link), generation_(generation) {}
  void on_connected(const ChannelBinding& binding) override {
    if (const auto core = core_.lock()) core->on_connected(link_, generation_, binding);
  }
  void on_message(Bytes message) override {
    if (const auto core = core_.lock()) core->on_message(link_, generation_, message);
  }
  void on_closed(const Error& reason) override {
    if (const auto core = core_.lock()) core->on_closed(link_, generation_, reason);
  }

 private:
  const std::weak_ptr<Core> core_;
  const std::size_t link_;
  const std::uint64_t generation_;
};

}  // namespace

Client::Core::Core(ClientConfig config)
    : env_(config.env),
      trust_(std::move(config.trust)),
      timing_(config.timing),
      heads_(config.heads ? std::move(config.heads) : std::make_shared<HeadsInMemory>()),
      on_state_change_(std::move(config.on_state_change)) {
  TW_ASSERT(!config.servers.empty() && config.servers.size() <= kMaxServers);
  links_.reserve(config.servers.size());
  for (auto& server : config.servers) {
    links_.emplace_back(static_cast<ServerRole>(links_.size()), std::move(server), timing_, *env_.random);
  }
}

void Client::Core::start() {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    for (std::size_t i = 0; i < links_.size(); ++i) connect(i, effects);
    arm(effects);
  }
  effects.run();
}

void Client::Core::stop() {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    for (auto& link : links_) link.stop(effects);
    notices_.clear();
    for_each_exchange([&](Exchange& exchange) TW_NO_THREAD_SAFETY_ANALYSIS {
      finish(exchange, fail(ErrorCode::kUnavailable, "the client of the key servers is shutting down"),
             effects);
    });
  }
  effects.run();
}

std::vector<ServerStatus> Client::Core::status() const {
  const MutexLock lock(mutex_);
  std::vector<ServerStatus> out;
  for (const auto& link : links_) out.push_back(link.status());
  return out;
}

std::uint64_t Client::Core::late_answers() const {
  const MutexLock lock(mutex_);
  return late_;
}

void Client::Core::connect(std::size_t index, Effects& effects) {
  const std::uint64_t generation = links_[index].begin(now());
  Connector* connector = &links_[index].connector();
  effects.add([self = shared_from_this(), connector, index, generation] {
    std::shared_ptr<Transport> transport =
        connector->connect(std::make_shared<Handler<Core>>(self->weak_from_this(), index, generation));
    Effects after;
    {
      const MutexLock lock(self->mutex_);
      self->links_[index].adopt(generation, std::move(transport), self->now(), after);
      self->arm(after);
    }
    after.run();
  });
}

void Client::Core::drop(std::size_t index, Error reason, Effects& effects) {
  Link& link = links_[index];
  const Connection before = link.status().connection;
  reason.message = link.connector().address() + ": " + reason.message;
  link.drop(std::move(reason), now(), effects);
  if (before != Connection::kDown) notice(index, effects);
  for_each_exchange([&](Exchange& exchange) TW_NO_THREAD_SAFETY_ANALYSIS {
    if (exchange.link != index) return;
    exchange.avoid = index;
    advance(exchange, effects);
  });
}

void Client::Core::on_connected(std::size_t link, std::uint64_t generation, const ChannelBinding& binding) {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (!links_[link].current(generation)) return;
    links_[link].connected(binding, now(), effects);
    arm(effects);
  }
  effects.run();
}

void Client::Core::on_closed(std::size_t link, std::uint64_t generation, const Error& reason) {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (!links_[link].current(generation)) return;
    drop(link, reason, effects);
    arm(effects);
  }
  effects.run();
}

void Client::Core::on_message(std::size_t link, std::uint64_t generation, const Bytes& message) {
  const auto answer = decode_answer_envelope(message);
  std::optional<Awaited> awaited;
  crypto::Certificate certificate;
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (!links_[link].current(generation)) return;
    if (!answer) {
      drop(link, answer.error(), effects);
      arm(effects);
    } else {
      links_[link].heard(now());
      awaited = links_[link].take(answer->message_id);
      certificate = links_[link].certificate();
      if (!awaited) ++late_;
    }
  }
  effects.run();
  if (awaited) handle(link, generation, *awaited, *answer, certificate);
}

// Signatures are checked without the lock, so that answers are checked side by side.
void Client::Core::handle(std::size_t link, std::uint64_t generation, const Awaited& awaited,
                          const AnswerEnvelope& answer, const crypto::Certificate& certificate) {
  const bool is_hello = awaited.purpose == Awaited::Purpose::kHello;
  Result<Greeting> greeting = fail(ErrorCode::kInternal, "no hello");
  Result<AnswerBody> body = fail(ErrorCode::kInternal, "no body");
  if (is_hello) {
    std::optional<Hash256> pin;
    {
      const MutexLock lock(mutex_);
      pin = links_[link].pin();
    }
    greeting = check_greeting(answer, awaited.request, trust_, pin);
    if (greeting) {
      if (const Status fresh = check_head(*heads_, greeting->hello); !fresh) {
        greeting = std::unexpected(fresh.error());
      }
    }
  } else if (const auto verified = verify_answer(answer, awaited.request, certificate); !verified) {
    body = std::unexpected(verified.error());
  } else {
    body = decode_answer_body(answer.body);
  }
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (!links_[link].current(generation)) {
      // The connection ended while the answer was checked; the exchange has moved on.
      ++late_;
    } else if (is_hello ? !greeting : !body) {
      drop(link, is_hello ? greeting.error() : body.error(), effects);
    } else if (is_hello) {
      greeted(link, *greeting, effects);
    } else {
      accept(link, awaited, std::move(*body), answer, effects);
    }
    arm(effects);
  }
  effects.run();
}

void Client::Core::greeted(std::size_t index, const Greeting& greeting, Effects& effects) {
  const bool newly_up = links_[index].greeted(greeting, now());
  if (newly_up) notice(index, effects);
  give_nonces(index, effects);
  if (newly_up) unpark(effects);
}

void Client::Core::accept(std::size_t index, const Awaited& awaited, AnswerBody body,
                          const AnswerEnvelope& envelope, Effects& effects) {
  if (awaited.purpose == Awaited::Purpose::kPing) {
    const auto* pong = std::get_if<PingAnswer>(&body);
    if (pong != nullptr && links_[index].set_server_state(pong->state, pong->state_text)) {
      notice(index, effects);
      unpark(effects);
    }
    return;
  }
  const auto keep_nonce = [&](const std::optional<Nonce>& nonce) TW_NO_THREAD_SAFETY_ANALYSIS {
    if (nonce) links_[index].add_nonce(*nonce);
  };
  if (const auto* key = std::get_if<KeyAnswer>(&body)) keep_nonce(key->next_nonce);
  if (const auto* confirmed = std::get_if<ConfirmAnswer>(&body)) keep_nonce(confirmed->next_nonce);
  if (const auto* refusal = std::get_if<Refusal>(&body)) keep_nonce(refusal->next_nonce);
  if (Exchange* exchange = find(awaited.exchange, awaited.attempt)) {
    answered(*exchange, std::move(body), envelope, effects);
  } else {
    ++late_;
  }
  give_nonces(index, effects);
}

void Client::Core::notice(std::size_t index, Effects& effects) {
  if (!on_state_change_ || stopped_) return;
  notices_.push_back(links_[index].status());
  effects.add([self = shared_from_this()] { self->deliver_notices(); });
}

// One thread at a time, so that an observer sees changes in their order.
void Client::Core::deliver_notices() {
  while (true) {
    ServerStatus status;
    {
      const MutexLock lock(mutex_);
      if (delivering_ || notices_.empty()) return;
      delivering_ = true;
      status = std::move(notices_.front());
      notices_.pop_front();
    }
    on_state_change_(status);
    const MutexLock lock(mutex_);
    delivering_ = false;
  }
}

// One timer for whatever is due first. Timers cannot be taken back: one that fires for nothing does no harm.
void Client::Core::arm(Effects& effects) {
  if (stopped_) return;
  SteadyTime first = earliest_;
  for (const auto& link : links_) first = std::min(first, link.due());
  if (first >= armed_for_) return;
  armed_for_ = first;
  const auto delay =
      std::max(std::chrono::ceil<std::chrono::milliseconds>(first - now()), std::chrono::milliseconds(0));
  effects.add([weak = weak_from_this(), executor = env_.executor, delay] {
    executor->post_after(delay, [weak] {
      if (const auto self = weak.lock()) self->tick();
    });
  });
}

void Client::Core::tick() {
  Effects effects;
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    const SteadyTime at = now();
    armed_for_ = SteadyTime::max();
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const Link::Due due = links_[i].tick(at, effects);
      if (due == Link::Due::kBegin) connect(i, effects);
      if (due == Link::Due::kTimedOut) {
        drop(i, Error{ErrorCode::kTimeout, "the key server does not answer", "", "look whether it runs", 0},
             effects);
      }
    }
    for_each_exchange([&](Exchange& exchange)
                          TW_NO_THREAD_SAFETY_ANALYSIS { tick_exchange(exchange, at, effects); });
    earliest_ = SteadyTime::max();
    for (const auto& [id, exchange] : exchanges_) {
      earliest_ = std::min({earliest_, exchange.deadline, exchange.attempt_deadline});
    }
    arm(effects);
  }
  effects.run();
}

}  // namespace tapewarden::dkx

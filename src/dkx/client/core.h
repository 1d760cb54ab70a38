// The client behind its public face: the lock, the links, the exchanges under way and one timer.
//
// Invariants
//   1. An exchange is in `exchanges_` from its start until its completion has been put into Effects; it
//      completes once.
//   2. An exchange either belongs to one link (an attempt is under way there) or is parked: until a link is
//      usable, or, with the refusals in hand, until it is time to ask again for a key that waits. `attempts`
//      numbers its attempts: what comes in for another number is late and is ignored.
//   3. Nothing foreign (transport, builder, completion, observer) is called with the lock held.
//
//   start --advance()--> attempt --answered()--> finish()
//                          | dropped, timed out, refused: advance() to the other server
//                          v
//                        parked --link usable, time to ask again: advance(); patience or time is up: finish()
#pragma once

#include <array>
#include <deque>
#include <map>

#include "base/thread_annotations.h"
#include "dkx/client/link.h"

namespace tapewarden::dkx {

inline constexpr unsigned kMaxAttempts = 16;

class Client::Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(ClientConfig config);
  void start();
  void stop();

  void exchange(Builder builder, bool needs_nonce, Completion completion);
  void check_labels(std::vector<Check> checks, Completion completion);
  std::vector<ServerStatus> status() const;
  std::uint64_t late_answers() const;

  // From the transport of the link's generation.
  void on_connected(std::size_t link, std::uint64_t generation, const ChannelBinding& binding);
  void on_message(std::size_t link, std::uint64_t generation, const Bytes& message);
  void on_closed(std::size_t link, std::uint64_t generation, const Error& reason);

 private:
  struct Exchange {
    std::uint64_t id = 0;
    std::shared_ptr<const Builder> builder;
    Completion completion;
    bool needs_nonce = true;
    SteadyTime deadline{};
    unsigned attempts = 0;
    unsigned attempts_allowed = kMaxAttempts;  // more after each wait for a backup
    std::optional<std::size_t> link;           // absent: parked
    SteadyTime attempt_deadline{};             // or, parked, the end of its patience
    std::optional<std::size_t> avoid;          // the link that failed last
    unsigned stale_nonces = 0;
    Intent intent = Intent::kHello;
    std::array<std::optional<Refusal>, kMaxServers> refusals;
  };

  SteadyTime now() const { return env_.clock->steady_now(); }

  // Exchanges (core_exchanges.cc)
  Exchange* find(std::uint64_t id, unsigned attempt) TW_REQUIRES(mutex_);
  void advance(Exchange& exchange, Effects& effects) TW_REQUIRES(mutex_);
  void set_deadline(Exchange& exchange, SteadyTime at) TW_REQUIRES(mutex_);
  std::optional<std::size_t> choose(const Exchange& exchange) const TW_REQUIRES(mutex_);
  void begin_attempt(Exchange& exchange, std::size_t link, Effects& effects) TW_REQUIRES(mutex_);
  void sign_attempt(Exchange& exchange, const Nonce& nonce, Effects& effects) TW_REQUIRES(mutex_);
  void build(std::uint64_t id, std::shared_ptr<const Builder> builder, const Attempt& attempt);
  void answered(Exchange& exchange, AnswerBody body, const AnswerEnvelope& envelope, Effects& effects)
      TW_REQUIRES(mutex_);
  void refused(Exchange& exchange, Refusal refusal, Effects& effects) TW_REQUIRES(mutex_);
  void finish(Exchange& exchange, Result<Answered> result, Effects& effects) TW_REQUIRES(mutex_);
  void settle(Exchange& exchange, Effects& effects) TW_REQUIRES(mutex_);
  void ask_again(Exchange& exchange, Effects& effects) TW_REQUIRES(mutex_);
  void finish_refused(Exchange& exchange, Effects& effects) TW_REQUIRES(mutex_);
  Error unreachable() const TW_REQUIRES(mutex_);
  void give_nonces(std::size_t link, Effects& effects) TW_REQUIRES(mutex_);
  void unpark(Effects& effects) TW_REQUIRES(mutex_);
  void tick_exchange(Exchange& exchange, SteadyTime at, Effects& effects) TW_REQUIRES(mutex_);
  void for_each_exchange(const std::function<void(Exchange&)>& visit) TW_REQUIRES(mutex_);

  // Links (core.cc)
  void connect(std::size_t link, Effects& effects) TW_REQUIRES(mutex_);
  void drop(std::size_t link, Error reason, Effects& effects) TW_REQUIRES(mutex_);
  void handle(std::size_t link, std::uint64_t generation, const Awaited& awaited,
              const AnswerEnvelope& answer, const crypto::Certificate& certificate);
  void greeted(std::size_t link, const Greeting& greeting, Effects& effects) TW_REQUIRES(mutex_);
  void accept(std::size_t link, const Awaited& awaited, AnswerBody body, const AnswerEnvelope& envelope,
              Effects& effects) TW_REQUIRES(mutex_);
  void notice(std::size_t link, Effects& effects) TW_REQUIRES(mutex_);
  void deliver_notices();
  void arm(Effects& effects) TW_REQUIRES(mutex_);
  void tick();

  const Env env_;
  const ServerTrust trust_;
  const ClientTiming timing_;
  const std::shared_ptr<HeadMemory> heads_;
  const std::function<void(const ServerStatus&)> on_state_change_;
  mutable Mutex mutex_;
  std::vector<Link> links_ TW_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Exchange> exchanges_ TW_GUARDED_BY(mutex_);
  std::uint64_t next_exchange_ TW_GUARDED_BY(mutex_) = 1;
  std::uint64_t late_ TW_GUARDED_BY(mutex_) = 0;
  bool stopped_ TW_GUARDED_BY(mutex_) = false;
  SteadyTime earliest_ TW_GUARDED_BY(mutex_) = SteadyTime::max();  // no deadline of an exchange is earlier
  SteadyTime armed_for_ TW_GUARDED_BY(mutex_) = SteadyTime::max();
  std::deque<ServerStatus> notices_ TW_GUARDED_BY(mutex_);
  bool delivering_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tapewarden::dkx

// The client's standing connection to one key server.
//
// Invariants
//   1. `generation` grows whenever a connection begins or ends; what a callback of another generation says is
//      ignored.
//   2. The phase is kUp exactly when a hello of this generation has been verified.
//   3. Requests awaited and nonces belong to this generation; both are empty outside kGreeting and kUp.
//   4. A nonce leaves `nonces` once.
//
//   kBackingOff --begin()--> kConnecting --adopt() and connected()--> kGreeting --greeted()--> kUp
//   any --drop()--> kBackingOff        any --stop()--> kStopped
//
// Not thread-safe: the client's lock is held around every call, and what must run without it is put into
// Effects.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

#include "dkx/client/client.h"
#include "dkx/client/effects.h"
#include "dkx/client/server_trust.h"

namespace tapewarden::dkx {

// A request whose answer is awaited.
struct Awaited {
  enum class Purpose : std::uint8_t { kHello, kPing, kExchange };
  Purpose purpose = Purpose::kExchange;
  RequestEnvelope request;
  std::uint64_t exchange = 0;  // of kExchange
  unsigned attempt = 0;
};

// An exchange's attempt that cannot be signed before there is a nonce for it.
struct Waiting {
  std::uint64_t exchange = 0;
  unsigned attempt = 0;
};

class Link {
 public:
  enum class Phase : std::uint8_t { kBackingOff, kConnecting, kGreeting, kUp, kStopped };

  Link(ServerRole role, ServerConfig config, const ClientTiming& timing, Random& random);

  // Starts a connection; gives the generation that it has. The caller calls connector().connect().
  std::uint64_t begin(SteadyTime now);
  Connector& connector() { return *config_.connector; }
  // The transport that connect() gave. One of an older generation is closed.
  void adopt(std::uint64_t generation, std::shared_ptr<Transport> transport, SteadyTime now,
             Effects& effects);
  void connected(const ChannelBinding& binding, SteadyTime now, Effects& effects);
  // True when the link was not up before. Counts the nonces in.
  bool greeted(const Greeting& greeting, SteadyTime now);
  // Ends the connection and plans the next. What was awaited is forgotten.
  void drop(Error reason, SteadyTime now, Effects& effects);
  void stop(Effects& effects);

  // Sends and awaits the answer. REQUIRES: kGreeting or kUp.
  void send(Awaited awaited, Effects& effects);
  // What the id was sent for; nothing when it is not awaited any more.
  std::optional<Awaited> take(std::uint32_t message_id);
  void forget(std::uint64_t exchange);
  void heard(SteadyTime now);

  std::optional<Nonce> take_nonce();
  void add_nonce(const Nonce& nonce);
  void clear_nonces() { nonces_.clear(); }
  // Asks for more unless that is under way.
  void ask_for_nonces(SteadyTime now, Effects& effects);
  void wait_for_nonce(Waiting waiting) { waiting_.push_back(waiting); }
  std::optional<Waiting> next_waiting();

  // An attempt got no answer in time: asks for a sign of life, and prefers the other server until there is
  // one.
  void suspect(SteadyTime now, Effects& effects);
  // Ping answer. True when the state changed.
  bool set_server_state(ServerState state, const std::string& text);

  // When tick() has something to do next.
  SteadyTime due() const;
  enum class Due : std::uint8_t { kNothing, kBegin, kTimedOut };
  // Sends a ping where one is due; kBegin: the caller begins a connection; kTimedOut: the caller drops.
  Due tick(SteadyTime now, Effects& effects);

  bool current(std::uint64_t generation) const {
    return generation == generation_ && phase_ != Phase::kStopped;
  }
  bool usable() const { return phase_ == Phase::kUp && server_state_ != ServerState::kNotServing; }
  bool suspected() const { return suspected_; }
  std::uint64_t generation() const { return generation_; }
  const std::optional<Error>& failure() const { return failure_; }
  const std::optional<Hash256>& pin() const { return config_.pinned_certificate; }
  const crypto::Certificate& certificate() const { return certificate_; }
  const Uuid& server() const { return server_; }
  const ChannelBinding& binding() const { return *binding_; }  // REQUIRES: connected
  ServerRole role() const { return role_; }
  ServerStatus status() const;

 private:
  void say_hello(SteadyTime now, Effects& effects);
  void ping(SteadyTime now, Effects& effects);
  Nonce challenge();
  void end_connection(Effects& effects);

  const ServerRole role_;
  ServerConfig config_;
  const ClientTiming& timing_;
  Random& random_;

  Phase phase_ = Phase::kBackingOff;
  std::uint64_t generation_ = 0;
  std::shared_ptr<Transport> transport_;
  std::optional<ChannelBinding> binding_;
  SteadyTime deadline_{};  // of connecting and greeting; when backing off, the time of the next attempt
  std::chrono::milliseconds backoff_;
  bool was_up_or_failed_ = false;
  std::optional<Error> failure_;

  Uuid server_;
  crypto::Certificate certificate_;
  ServerState server_state_ = ServerState::kNotServing;
  std::string state_text_;

  std::uint32_t next_message_id_ = 1;
  std::unordered_map<std::uint32_t, Awaited> awaited_;
  std::deque<Nonce> nonces_;
  std::deque<Waiting> waiting_;
  bool hello_awaited_ = false;
  SteadyTime hello_deadline_{};
  bool ping_awaited_ = false;
  SteadyTime ping_deadline_{};
  SteadyTime last_heard_{};
  bool suspected_ = false;
};

}  // namespace tapewarden::dkx

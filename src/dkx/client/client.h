// The client of the drive key exchange: stays connected to a primary and a secondary key server for ever,
// prefers the primary, and moves an exchange over to the other server while it is under way (T8).
//
// A signature is bound to one server's nonce and to one connection, so an exchange is not a message but a
// Builder, which is asked for a newly signed request for each attempt. The request id stays the same over all
// attempts, so that a server that has answered already gives the same answer again.
//
// A key that a server holds back until a backup has it is asked for again at that and the other server, until
// it comes or the exchange's time is up; then the refusal that says so is the answer.
//
// Thread-safe. Builders, completions and observers run on transport or executor threads without any lock
// held, and must not block; they may call the client.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "crypto/certificate.h"
#include "dkx/body.h"
#include "dkx/client/head_memory.h"
#include "dkx/client/transport.h"
#include "dkx/envelope.h"

namespace tapewarden::dkx {

inline constexpr std::size_t kMaxServers = 2;
inline constexpr std::size_t kMaxExchanges = 4096;  // under way in one client

enum class ServerRole : std::uint8_t { kPrimary = 0, kSecondary = 1 };
std::string_view to_string(ServerRole role);

struct ServerConfig {
  std::unique_ptr<Connector> connector;
  // The fingerprint that the signing certificate must have; any that trust allows when empty.
  std::optional<Hash256> pinned_certificate;
};

// Whom the client believes: a signing certificate that an authority of the site issued to a key server.
struct ServerTrust {
  std::vector<crypto::Certificate> authorities;
  // The organizational unit that marks key servers, so that no other certificate of the site can speak as
  // one. Empty: not checked.
  std::string unit = "keyd";
};

struct ClientTiming {
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_limit{5'000};
  std::chrono::milliseconds connect{5'000};        // connecting and hello together
  std::chrono::milliseconds ping_interval{2'000};  // after this long without a message from the server
  std::chrono::milliseconds ping_answer{1'000};    // then the connection counts as half-open and is dropped
  // How long one server may take while the other stands ready. Below one second, so that a mount does not
  // notice a dead server.
  std::chrono::milliseconds attempt{700};
  std::chrono::milliseconds exchange{30'000};  // all attempts together
  // How long an exchange waits for a connection when there is none.
  std::chrono::milliseconds patience{1'000};
  // Between two questions of an exchange whose key waits for a backup.
  std::chrono::milliseconds ask_again{500};
};

enum class Connection : std::uint8_t {
  kConnecting = 1,  // never was up
  kUp = 2,
  kDown = 3,
};
std::string_view to_string(Connection connection);

struct ServerStatus {
  ServerRole role = ServerRole::kPrimary;
  std::string address;
  Connection connection = Connection::kConnecting;
  std::optional<Error> failure;  // why it is down, or was last
  Uuid server;                   // from its last hello; nil before
  ServerState state = ServerState::kNotServing;
  std::string state_text;
};

struct ClientConfig {
  Env env;                            // clock, random and executor are used
  std::vector<ServerConfig> servers;  // 1 or 2, the primary first
  ServerTrust trust;
  ClientTiming timing;
  // Called when a connection goes up or down or a server's state changes, in the order in which that happens;
  // for operator interventions. May be empty.
  std::function<void(const ServerStatus&)> on_state_change;
  // Where the servers' newest heads are kept; in memory when empty.
  std::shared_ptr<HeadMemory> heads = {};
};

// What a Builder signs for.
struct Attempt {
  Uuid server;
  Nonce nonce{};
  ChannelBinding binding{};
  ServerRole role = ServerRole::kPrimary;
  unsigned number = 1;                       // counts from 1
  crypto::Certificate server_certificate{};  // that signs its answers, for a drive that judges for itself
};
// Gives a signed request for this attempt; its message id is set by the client. An error ends the exchange.
using Builder = std::function<Result<RequestEnvelope>(const Attempt&)>;

// A verified answer: KeyAnswer, ConfirmAnswer, CheckLabelsAnswer or Refusal.
struct Answered {
  AnswerBody body;
  Uuid server;
  ServerRole role = ServerRole::kPrimary;
  unsigned attempts = 1;
  // As it came, for a drive that checks it itself; empty with a refusal.
  AnswerEnvelope envelope{};
};
// Errors: kUnavailable when no server could be reached, with the reason of each; kTimeout when the exchange's
// time is up; kUnauthenticated when a server could not prove itself; kExhausted beyond kMaxExchanges; the
// Builder's own error. A refusal is an answer, not an error: key_answer() makes it one.
using Completion = std::function<void(Result<Answered>)>;

Result<KeyAnswer> key_answer(const Result<Answered>& answered);

class Client {
 public:
  // Starts to connect. REQUIRES: 1 or 2 servers.
  explicit Client(ClientConfig config);
  // Drops the connections. Exchanges under way end with kUnavailable before this returns; nothing is called
  // afterwards, except that a callback which runs on another thread at this moment may still be running.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Completes once, within timing.exchange.
  void exchange(Builder builder, Completion completion);
  void check_labels(std::vector<Check> checks, Completion completion);

  // The primary first.
  std::vector<ServerStatus> status() const;
  // Answers that came after their attempt had been given up, since the start.
  std::uint64_t late_answers() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace tapewarden::dkx

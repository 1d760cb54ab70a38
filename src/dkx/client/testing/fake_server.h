// A key server in memory at the other end of a transport, for tests: answers hello and ping by itself and
// hands signed requests to the test, which may answer, stay silent, answer late or forge. Calls come in on
// the executor, so a test moves time and messages itself. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/env.h"
#include "dkx/client/transport.h"
#include "dkx/testing/parties.h"

namespace tapewarden::dkx::testing {

class FakeServer {
 public:
  FakeServer(Executor& executor, Random& random, Party party, Uuid id)
      : executor_(executor), random_(random), party_(std::move(party)), id_(id) {}

  std::unique_ptr<Connector> connector(std::string address);

  // Whether connections can be made; turning it off ends those that are open.
  void set_reachable(bool reachable);
  // Keeps connections open and says nothing any more: a half-open peer.
  void set_silent(bool silent) { silent_ = silent; }
  void set_party(Party party) { party_ = std::move(party); }
  void set_state(ServerState state, std::string text) {
    state_ = state;
    state_text_ = std::move(text);
  }
  void set_head(ServerHead head) { head_ = head; }
  // Nonces given in one hello, at most as many as asked for.
  void set_nonce_limit(std::size_t limit) { nonce_limit_ = limit; }

  // A request that has arrived, already checked for signature, nonce and channel binding.
  struct Request {
    std::uint64_t connection;
    RequestEnvelope envelope;
    RequestBody body;
    std::optional<eedk::EkmCode> fault;  // what a real server would refuse it for
    bool stale_nonce = false;
  };
  // The test's part. Without it, key requests get a key and checks are usable.
  std::function<void(const Request&)> on_request;

  void answer(const Request& request, const AnswerBody& body);
  void answer_signed_by(const Party& signer, const Request& request, const AnswerBody& body);
  void send_raw(std::uint64_t connection, Bytes message);
  void forget_nonces() { nonces_.clear(); }
  void cut_connections(const Error& reason);
  // The good answer to any request.
  AnswerBody usual_answer(const Request& request);

  const Uuid& id() const { return id_; }
  std::size_t connections_made() const { return connections_made_; }
  std::size_t hellos() const { return hellos_; }
  std::size_t pings() const { return pings_; }
  const std::vector<Request>& requests() const { return requests_; }

 private:
  friend class FakeTransport;
  struct Peer {
    std::shared_ptr<TransportHandler> handler;
    ChannelBinding binding{};
    bool open = true;
  };
  std::uint64_t connect(std::shared_ptr<TransportHandler> handler);
  void receive(std::uint64_t connection, const Bytes& message);
  void close(std::uint64_t connection, const Error& reason);
  HelloAnswer greet(const HelloRequest& hello);
  void check(Request& request);

  Executor& executor_;
  Random& random_;
  Party party_;
  Uuid id_;
  ServerState state_ = ServerState::kServing;
  std::string state_text_;
  std::optional<ServerHead> head_;
  std::size_t nonce_limit_ = 16;
  bool reachable_ = true;
  bool silent_ = false;
  std::vector<Peer> peers_;
  std::set<Nonce> nonces_;
  std::vector<Request> requests_;
  std::size_t connections_made_ = 0;
  std::size_t hellos_ = 0;
  std::size_t pings_ = 0;
};

}  // namespace tapewarden::dkx::testing

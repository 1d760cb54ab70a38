// Invariants
//   1. A nonce is used for one request; in_flight_ + nonces_ never exceeds the depth.
//   2. Maker and sink are called with the lock held, so that stop() is a barrier.
#include "harness/key_load.h"

#include <condition_variable>
#include <map>

namespace tapewarden::testing {

class KeyLoad::State final : public net::ClientHandler {
 public:
  State(TestSite& site, const TestDrive& drive, unsigned depth, Maker maker, Sink sink)
      : site_(site), drive_(drive), depth_(depth), maker_(std::move(maker)), sink_(std::move(sink)) {}

  void begin(std::unique_ptr<net::FramedClient> client) {
    const std::lock_guard lock(mutex_);
    client_ = std::move(client);
    hello_ = dkx::unsigned_request(1, dkx::encode(hello_request(site_.random(), depth_)));
    client_->send(dkx::encode(hello_));
  }

  void stop() {
    std::unique_ptr<net::FramedClient> client;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      client = std::move(client_);
    }
    client.reset();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_; });
  }

  bool wait_done(std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return closed_ || (exhausted_ && in_flight_.empty()); });
  }

  std::optional<Error> fault() const {
    const std::lock_guard lock(mutex_);
    return fault_;
  }

  void on_connected(const net::SessionInfo& info) override {
    const std::lock_guard lock(mutex_);
    binding_ = info.channel_binding;
  }

  void on_message(Bytes message) override {
    const std::lock_guard lock(mutex_);
    if (stopped_ || client_ == nullptr) return;
    if (const auto taken = take(message); !taken) {
      if (!fault_) fault_ = taken.error();
      stopped_ = true;
      client_->close();
      return;
    }
    ask_more();
    changed_.notify_all();
  }

  void on_closed(const Error&) override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  struct Sent {
    dkx::KeyRequest request;
    dkx::RequestEnvelope envelope;
  };

  Status take(const Bytes& message) {
    const auto answer = TRY(dkx::decode_answer_envelope(message));
    const auto body = TRY(dkx::decode_answer_body(answer.body));
    if (server_.empty()) return greeted(answer, body);
    auto sent = in_flight_.extract(answer.message_id);
    if (sent.empty()) return fail(ErrorCode::kCorrupt, "an answer to no request");
    TRY(dkx::verify_answer(answer, sent.mapped().envelope, server_));
    std::visit(
        [&](const auto& given) {
          if constexpr (requires { given.next_nonce; }) {
            if (given.next_nonce) nonces_.push_back(*given.next_nonce);
          }
        },
        body);
    sink_(sent.mapped().request, body);
    return {};
  }

  Status greeted(const dkx::AnswerEnvelope& answer, const dkx::AnswerBody& body) {
    const auto* hello = std::get_if<dkx::HelloAnswer>(&body);
    if (hello == nullptr) return fail(ErrorCode::kUnauthenticated, "hello was refused");
    server_ = TRY(crypto::Certificate::from_der(hello->signing_certificate));
    TRY(dkx::verify_answer(answer, hello_, server_));
    nonces_.assign(hello->nonces.begin(), hello->nonces.end());
    return {};
  }

  void ask_more() {
    while (!exhausted_ && !nonces_.empty()) {
      auto request = maker_();
      if (!request) {
        exhausted_ = true;
        return;
      }
      request->nonce = nonces_.front();
      nonces_.pop_front();
      request->binding = binding_;
      const std::uint32_t id = ++last_id_;
      auto envelope = drive_.sign(*request, id);
      client_->send(dkx::encode(envelope));
      in_flight_.emplace(id, Sent{*std::move(request), std::move(envelope)});
    }
  }

  TestSite& site_;
  const TestDrive& drive_;
  const unsigned depth_;
  const Maker maker_;
  const Sink sink_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<net::FramedClient> client_;
  dkx::RequestEnvelope hello_;
  dkx::ChannelBinding binding_{};
  crypto::Certificate server_;
  std::deque<dkx::Nonce> nonces_;
  std::map<std::uint32_t, Sent> in_flight_;
  std::uint32_t last_id_ = 1;
  bool exhausted_ = false;
  bool stopped_ = false;
  bool closed_ = false;
  std::optional<Error> fault_;
};

Result<std::unique_ptr<KeyLoad>> KeyLoad::start(TestSite& site, Which which, const TestDrive& drive,
                                                unsigned depth, Maker maker, Sink sink) {
  const auto state = std::make_shared<State>(site, drive, depth, std::move(maker), std::move(sink));
  state->begin(net::FramedClient::connect(site.loop(), TRY(dkx_options(site, which)), state));
  return std::unique_ptr<KeyLoad>(new KeyLoad(state));
}

KeyLoad::~KeyLoad() {
  state_->stop();
}

bool KeyLoad::wait_done(std::chrono::milliseconds deadline) {
  return state_->wait_done(deadline);
}

std::optional<Error> KeyLoad::fault() const {
  return state_->fault();
}

}  // namespace tapewarden::testing

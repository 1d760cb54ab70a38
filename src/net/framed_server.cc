// Sessions of a FramedServer.
//
// Invariants
//  1. in_flight_ counts the messages handed to the handler whose Ticket is not settled; it never exceeds
//     max_in_flight.
//  2. backlog_ holds plaintext only while the connection is paused.
//  3. When ending_ is set nothing more reaches the handler; the connection closes once in_flight_ is 0.
#include <atomic>

#include "base/assert.h"
#include "crypto/secret_bytes.h"
#include "net/frames.h"
#include "net/listener.h"
#include "net/mailbox.h"
#include "net/server.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

struct ServerShared {
  FramedServerOptions options;
  SessionFactory factory;
};

class Session final : public ConnectionEvents, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<const ServerShared> shared, std::shared_ptr<Listener> listener,
          const std::shared_ptr<Connection>& connection)
      : shared_(std::move(shared)),
        listener_(std::move(listener)),
        connection_(connection),
        cutter_(shared_->options.framer, shared_->options.max_message_bytes) {}
  ~Session() override { crypto::wipe(backlog_); }

  void on_open(const SessionInfo& info) override;
  void on_data(ByteView plaintext) override;
  void on_writable() override { go_on(); }
  void on_drain() override { begin_end(); }
  void on_closed(const CloseReason& reason) override;
  void close();  // any thread

  // Any thread: one message's answer, or none.
  void settle(Bytes answer);

 private:
  bool must_wait() const;
  void consume(ByteView plaintext);
  void hand_over(Bytes message);
  void bad_message(const Error& error);
  void settle_here(Bytes answer);
  void settle_mailbox();
  void go_on();
  void begin_end();
  void end_when_done();

  const std::shared_ptr<const ServerShared> shared_;
  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<Connection> connection_;
  std::shared_ptr<SessionHandler> handler_;
  FrameCutter cutter_;
  Bytes backlog_;
  Bytes last_answer_;
  unsigned in_flight_ = 0;
  bool consuming_ = false;
  bool ending_ = false;
  Mailbox<Bytes> answers_;
};

// The right to answer one message, once.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~Ticket() { use({}); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  void use(Bytes answer) {
    if (!used_.exchange(true)) session_->settle(std::move(answer));
  }

 private:
  std::shared_ptr<Session> session_;
  std::atomic<bool> used_{false};
};

// Handlers may keep it: it keeps nothing alive in turn.
class Control final : public SessionControl {
 public:
  explicit Control(std::weak_ptr<Session> session) : session_(std::move(session)) {}
  void close() override {
    if (const auto session = session_.lock()) session->close();
  }

 private:
  const std::weak_ptr<Session> session_;
};

void Session::on_open(const SessionInfo& info) {
  handler_ = shared_->factory(info, std::make_shared<Control>(weak_from_this()));
  if (!handler_) begin_end();
}

void Session::on_data(ByteView plaintext) {
  consume(plaintext);
}

bool Session::must_wait() const {
  const auto& limits = shared_->options.limits;
  return in_flight_ >= limits.max_in_flight || connection_->queued_bytes() > limits.write_queue_bytes;
}

void Session::consume(ByteView plaintext) {
  consuming_ = true;
  while (!plaintext.empty() && !ending_) {
    if (must_wait()) {
      backlog_ = to_bytes(plaintext);
      connection_->pause();
      connection_->notify_when_written();
      break;
    }
    auto message = cutter_.next(plaintext);
    if (!message) {
      bad_message(message.error());
    } else if (*message) {
      hand_over(**std::move(message));
    }
  }
  consuming_ = false;
  if (!connection_->paused()) connection_->expect_more(cutter_.partial());
}

void Session::hand_over(Bytes message) {
  ++in_flight_;
  connection_->set_busy(true);
  auto ticket = std::make_shared<Ticket>(shared_from_this());
  handler_->on_message(std::move(message),
                       [ticket = std::move(ticket)](Bytes answer) { ticket->use(std::move(answer)); });
}

void Session::bad_message(const Error& error) {
  listener_->count_bad_message();
  last_answer_ = handler_->on_bad_message(error);
  begin_end();
}

void Session::settle(Bytes answer) {
  const auto& shard = connection_->shard();
  if (shard->on_thread()) return settle_here(std::move(answer));
  if (answers_.put(std::move(answer))) shard->post([self = shared_from_this()] { self->settle_mailbox(); });
}

void Session::settle_mailbox() {
  connection_->cork();
  for (auto& answer : answers_.take()) settle_here(std::move(answer));
  connection_->uncork();
}

void Session::settle_here(Bytes answer) {
  TW_ASSERT(in_flight_ > 0);
  --in_flight_;
  if (!answer.empty()) {
    connection_->send(answer);
    crypto::wipe(answer);  // it may be a key on its way into TLS
  }
  if (in_flight_ == 0) connection_->set_busy(false);
  if (ending_) return end_when_done();
  go_on();
}

// Takes up what had to wait for an answer or for the peer.
void Session::go_on() {
  if (consuming_ || ending_ || !connection_->paused() || must_wait()) return;
  if (!backlog_.empty()) {
    const auto waiting = std::exchange(backlog_, {});
    connection_->resume();
    connection_->cork();
    consume(waiting);
    connection_->uncork();
  }
}

void Session::begin_end() {
  if (ending_) return;
  ending_ = true;
  connection_->pause();
  end_when_done();
}

void Session::end_when_done() {
  if (in_flight_ > 0) return;
  if (!last_answer_.empty()) connection_->send(std::exchange(last_answer_, {}));
  connection_->close();
}

void Session::close() {
  connection_->shard()->post([self = shared_from_this()] { self->begin_end(); });
}

void Session::on_closed(const CloseReason&) {
  ending_ = true;
  if (const auto handler = std::exchange(handler_, nullptr)) handler->on_closed();
}

}  // namespace

struct FramedServer::State {
  std::shared_ptr<Listener> listener;
};

FramedServer::FramedServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<FramedServer>> FramedServer::start(Loop& loop, FramedServerOptions options,
                                                          SessionFactory factory) {
  const auto shared = std::make_shared<ServerShared>();
  Listener::Options listen{options.listen, options.tls, options.limits, options.on_refused};
  shared->options = std::move(options);
  shared->factory = std::move(factory);
  const auto make_session = [shared](const std::shared_ptr<Connection>& connection,
                                     const std::shared_ptr<Listener>& listener) {
    return std::make_shared<Session>(shared, listener, connection);
  };
  auto listener = TRY(Listener::start(loop, std::move(listen), make_session));
  return std::unique_ptr<FramedServer>(new FramedServer(std::make_shared<State>(State{std::move(listener)})));
}

FramedServer::~FramedServer() {
  stop(std::chrono::milliseconds{0});
}
std::uint16_t FramedServer::port() const {
  return state_->listener->port();
}
NetStats FramedServer::stats() const {
  return state_->listener->stats();
}
void FramedServer::replace_tls(TlsContext tls) {
  state_->listener->replace_tls(std::move(tls));
}
bool FramedServer::stop(std::chrono::milliseconds drain) {
  return state_->listener->stop(drain);
}

}  // namespace tapewarden::net

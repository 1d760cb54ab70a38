#include <atomic>
#include <deque>

#include "base/assert.h"
#include "crypto/secret_bytes.h"
#include "net/client.h"
#include "net/connection.h"
#include "net/frames.h"
#include "net/mailbox.h"
#include "net/shard.h"

namespace tapewarden::net {

// The connection's events on one side, any thread's wishes on the other.
struct FramedClient::State final : ConnectionEvents, std::enable_shared_from_this<State> {
  State(FramedClientOptions& options, std::shared_ptr<ClientHandler> client_handler)
      : handler(std::move(client_handler)), cutter(options.framer, options.max_message_bytes) {}

  void on_open(const SessionInfo& info) override { handler->on_connected(info); }
  void on_data(ByteView plaintext) override;
  void on_writable() override { unsent = connection->queued_bytes(); }
  void on_drain() override { connection->close(); }
  void on_closed(const CloseReason& reason) override;

  void send(Bytes message);
  void send_here(Bytes message);
  void empty_outbox();

  std::shared_ptr<ClientHandler> handler;  // until on_closed()
  std::shared_ptr<Connection> connection;
  FrameCutter cutter;
  Mailbox<Bytes> outbox;
  std::atomic<std::size_t> queued{0};  // in the outbox
  std::atomic<std::size_t> unsent{0};  // in the connection, as last seen
  std::optional<Error> corrupt;        // why we ended it
};

void FramedClient::State::on_data(ByteView plaintext) {
  while (!plaintext.empty() && !corrupt) {
    auto message = cutter.next(plaintext);
    if (!message) {
      corrupt = message.error();
      corrupt->code = ErrorCode::kCorrupt;
      connection->close();
    } else if (*message) {
      handler->on_message(**std::move(message));
    }
  }
}

void FramedClient::State::on_closed(const CloseReason& reason) {
  queued = unsent = 0;
  if (const auto last = std::exchange(handler, nullptr)) last->on_closed(corrupt ? *corrupt : reason.error);
}

void FramedClient::State::send(Bytes message) {
  if (connection->shard()->on_thread()) return send_here(std::move(message));
  queued += message.size();
  if (outbox.put(std::move(message)))
    connection->shard()->post([self = shared_from_this()] { self->empty_outbox(); });
}

void FramedClient::State::send_here(Bytes message) {
  connection->send(message);
  crypto::wipe(message);
  unsent = connection->queued_bytes();
  if (unsent > 0) connection->notify_when_written();
}

void FramedClient::State::empty_outbox() {
  connection->cork();
  for (auto& message : outbox.take()) {
    queued -= std::min(queued.load(), message.size());
    send_here(std::move(message));
  }
  connection->uncork();
  unsent = connection->queued_bytes();
}

std::unique_ptr<FramedClient> FramedClient::connect(Loop& loop, FramedClientOptions options,
                                                    std::shared_ptr<ClientHandler> handler) {
  TW_ASSERT(!options.tls.empty() && !TlsContextAccess::is_server(options.tls));
  auto state = std::make_shared<State>(options, std::move(handler));
  DialOptions how;
  how.host = std::move(options.host);
  how.port = options.port;
  how.resolver = std::move(options.resolver);
  how.connection.tls = std::move(options.tls);
  how.connection.server_name = std::move(options.server_name);
  how.connection.handshake_timeout = options.connect_deadline;
  how.connection.write_timeout = options.write_timeout;
  dial(loop, std::move(how), state,
       [&](const std::shared_ptr<Connection>& made) { state->connection = made; });
  return std::unique_ptr<FramedClient>(new FramedClient(std::move(state)));
}

FramedClient::FramedClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

FramedClient::~FramedClient() {
  close();
}

void FramedClient::send(Bytes message) {
  state_->send(std::move(message));
}

std::size_t FramedClient::queued_bytes() const {
  return state_->queued + state_->unsent;
}

void FramedClient::close() {
  state_->connection->shard()->post([state = state_] {
    if (state->connection->open())
      state->connection->close();
    else
      state->connection->finish(
          {CloseCause::kEnded, TlsFailure::kNone, {ErrorCode::kUnavailable, "closed here", "", ""}});
  });
}

// --- BlockingClient ---

struct BlockingClient::State final : ClientHandler {
  void on_connected(const SessionInfo& session) override {
    const MutexLock lock(mutex);
    info = session;
    connected = true;
    changed.notify_all();
  }
  void on_message(Bytes message) override {
    const MutexLock lock(mutex);
    messages.push_back(std::move(message));
    changed.notify_all();
  }
  void on_closed(const Error& reason) override {
    const MutexLock lock(mutex);
    ended = reason;
    changed.notify_all();
  }

  // Waits until `ready` or the end or the deadline. REQUIRES: the mutex is held; so is it on return.
  template <typename Ready>
  bool wait(std::chrono::milliseconds deadline, Ready ready) TW_NO_THREAD_SAFETY_ANALYSIS {
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (!ready()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= until) return false;
      changed.wait_for(mutex, std::chrono::ceil<std::chrono::milliseconds>(until - now));
    }
    return true;
  }

  Mutex mutex;
  CondVar changed;
  bool connected = false;
  SessionInfo info;
  std::deque<Bytes> messages;
  std::optional<Error> ended;
};

BlockingClient::BlockingClient(std::unique_ptr<FramedClient> client, std::shared_ptr<State> state)
    : state_(std::move(state)), client_(std::move(client)) {}
BlockingClient::BlockingClient(BlockingClient&&) noexcept = default;
BlockingClient& BlockingClient::operator=(BlockingClient&&) noexcept = default;
BlockingClient::~BlockingClient() = default;

Result<BlockingClient> BlockingClient::connect(Loop& loop, FramedClientOptions options) {
  TW_ASSERT(!loop.on_loop_thread());
  auto state = std::make_shared<State>();
  const auto patience =
      options.connect_deadline + std::chrono::seconds{1};  // the connection's own comes first
  auto client = FramedClient::connect(loop, std::move(options), state);
  const MutexLock lock(state->mutex);
  if (!state->wait(patience, [&] { return state->connected || state->ended; }))
    return fail(ErrorCode::kTimeout, "the connection was not made in time");
  if (!state->connected) return std::unexpected(*state->ended);
  return BlockingClient(std::move(client), state);
}

const SessionInfo& BlockingClient::info() const {
  return state_->info;
}

void BlockingClient::send(Bytes request) {
  client_->send(std::move(request));
}

Result<Bytes> BlockingClient::receive(std::chrono::milliseconds deadline) {
  auto& state = *state_;
  const MutexLock lock(state.mutex);
  if (!state.wait(deadline, [&] { return !state.messages.empty() || state.ended; }))
    return fail(ErrorCode::kTimeout, "no answer came in time");
  if (state.messages.empty()) return std::unexpected(*state.ended);
  auto message = std::move(state.messages.front());
  state.messages.pop_front();
  return message;
}

Result<Bytes> BlockingClient::call(Bytes request, std::chrono::milliseconds deadline) {
  send(std::move(request));
  return receive(deadline);
}

bool BlockingClient::wait_closed(std::chrono::milliseconds deadline) {
  auto& state = *state_;
  const MutexLock lock(state.mutex);
  return state.wait(deadline, [&] { return state.ended.has_value(); });
}

}  // namespace tapewarden::net

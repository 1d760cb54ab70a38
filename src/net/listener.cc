#include "net/listener.h"

#include "base/assert.h"
#include "net/connection_io.h"
#include "net/listen_socket.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

using asio::ip::tcp;
using std::chrono::steady_clock;

}  // namespace

struct Listener::Acceptor {
  tcp::acceptor socket;
  asio::steady_timer timer;
  explicit Acceptor(asio::io_context& context) : socket(context), timer(context) {}
};

Listener::Listener(Loop& loop, Options options, EventsFactory factory)
    : loop_(loop),
      options_(std::move(options)),
      factory_(std::move(factory)),
      home_(LoopAccess::shards(loop).front()),
      tls_(options_.tls) {}

Listener::~Listener() = default;

Result<std::shared_ptr<Listener>> Listener::start(Loop& loop, Options options, EventsFactory factory) {
  if (options.tls.empty() || !TlsContextAccess::is_server(options.tls))
    return fail(ErrorCode::kInvalidArgument, "a server needs a server's TLS context", "tls");
  auto listener = std::make_shared<Listener>(loop, std::move(options), std::move(factory));
  TRY(listener->open());
  listener->home_->post([listener] { listener->accept_next(); });
  return listener;
}

Status Listener::open() {
  auto acceptor = std::make_unique<Acceptor>(home_->context());
  TRY(open_listener(acceptor->socket, options_.listen));
  error_code error;
  port_ = acceptor->socket.local_endpoint(error).port();
  acceptor_ = std::move(acceptor);
  const Lock lock(mutex_);
  acceptor_open_ = true;
  return {};
}

// --- accepting, on home_'s thread ---

void Listener::accept_next() {
  if (!acceptor_ || accepting_) return;
  {
    const Lock lock(mutex_);
    if (stopping_) return;
    waiting_for_room_ = handshakes_.size() >= options_.limits.max_handshakes;
    if (waiting_for_room_) return retry_accept(kStalledHandshake);
  }
  accepting_ = true;
  const auto shard = LoopAccess::lightest(loop_);
  acceptor_->socket.async_accept(
      shard->context(), [self = shared_from_this(), shard](const error_code& error, tcp::socket socket) {
        self->accepting_ = false;
        if (!self->acceptor_ || error == asio::error::operation_aborted) return;
        if (error) return self->retry_accept(kAcceptRetry);
        self->admit(std::make_unique<Connection::Io>(shard->context(), std::move(socket)), shard);
        self->accept_next();
      });
}

void Listener::retry_accept(std::chrono::milliseconds delay) {
  acceptor_->timer.expires_after(delay);
  acceptor_->timer.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || !self->acceptor_) return;
    self->drop_stalled_handshake();
    self->accept_next();
  });
}

// Makes room for new clients when the handshakes' places are taken by some that do nothing.
void Listener::drop_stalled_handshake() {
  std::vector<std::shared_ptr<Connection>> stalled;
  {
    const Lock lock(mutex_);
    if (handshakes_.size() < options_.limits.max_handshakes) return;
    const auto limit = steady_clock::now() - kStalledHandshake;
    for (const auto& [id, handshake] : handshakes_)
      if (handshake.since <= limit) stalled.push_back(handshake.connection);
  }
  for (const auto& connection : stalled)
    connection->shard()->post([connection] {
      if (!connection->open())
        connection->finish({CloseCause::kDropped,
                            TlsFailure::kNone,
                            {ErrorCode::kExhausted, "stalled in its handshake while others waited", "", ""}});
    });
}

bool Listener::refused(const std::string& address) {
  const Lock lock(mutex_);
  ++stats_.accepted;
  if (stopping_) return true;
  if (connections_.size() >= options_.limits.max_sessions) {
    ++stats_.refused_sessions;
    return true;
  }
  const auto found = per_address_.find(address);
  if (found != per_address_.end() && found->second >= options_.limits.max_sessions_per_address) {
    ++stats_.refused_per_address;
    return true;
  }
  return false;
}

ConnectionOptions Listener::connection_options() {
  const auto& limits = options_.limits;
  const Lock lock(mutex_);
  return {.tls = tls_,
          .server_name = {},
          .handshake_timeout = limits.handshake_timeout,
          .idle_timeout = limits.idle_timeout,
          .message_timeout = limits.message_timeout,
          .write_timeout = limits.write_timeout};
}

void Listener::admit(std::unique_ptr<Connection::Io> io, std::shared_ptr<Shard> shard) {
  error_code error;
  const auto remote = io->socket.remote_endpoint(error);
  const auto address = error ? std::string{} : remote.address().to_string();
  if (error || refused(address)) {
    if (!error && options_.on_refused)
      options_.on_refused(address, {ErrorCode::kExhausted, "too many connections", "",
                                    "raise the limit or find out why this client opens so many"});
    return;
  }
  auto connection = std::make_shared<Connection>(shard, connection_options(), std::move(io));
  connection->set_watcher(shared_from_this());
  connection->set_events(factory_(connection, shared_from_this()));
  {
    const Lock lock(mutex_);
    const auto id = connection->info().id;
    connections_.emplace(id, connection);
    handshakes_.emplace(id, Handshake{connection, steady_clock::now()});
    ++per_address_[address];
  }
  shard->post([connection] { connection->start_server(); });
}

// --- the connections' life ---

bool Listener::may_open(Connection& connection) {
  const Lock lock(mutex_);
  handshakes_.erase(connection.info().id);
  ++stats_.handshakes_done;
  if (std::exchange(waiting_for_room_, false))
    home_->post([self = shared_from_this()] { self->accept_next(); });
  return !stopping_;
}

void Listener::closed(Connection& connection, const CloseReason& reason) {
  const auto& info = connection.info();
  bool was_session = false;
  {
    const Lock lock(mutex_);
    connections_.erase(info.id);
    was_session = handshakes_.erase(info.id) == 0;
    const auto count = per_address_.find(info.remote_address);
    TW_ASSERT(count != per_address_.end());
    if (--count->second == 0) per_address_.erase(count);
    count_close(reason, was_session);
    if (!was_session && std::exchange(waiting_for_room_, false))
      home_->post([self = shared_from_this()] { self->accept_next(); });
  }
  if (!was_session && options_.on_refused) options_.on_refused(info.remote_address, reason.error);
  const Lock lock(mutex_);
  if (connections_.empty()) emptied_.notify_all();
}

void Listener::count_close(const CloseReason& reason, bool was_session) {
  if (was_session) {
    ++stats_.sessions_closed;
    if (reason.cause == CloseCause::kIdle) ++stats_.closed_idle;
    if (reason.cause == CloseCause::kSlow) ++stats_.closed_slow;
  } else if (reason.cause == CloseCause::kHandshakeTimeout) {
    ++stats_.handshakes_timed_out;
  } else if (reason.cause == CloseCause::kDropped) {
    ++stats_.handshakes_dropped;
  } else if (reason.failure == TlsFailure::kNoCertificate) {
    ++stats_.handshakes_no_certificate;
  } else if (reason.failure == TlsFailure::kUntrusted) {
    ++stats_.handshakes_untrusted;
  } else {
    ++stats_.handshakes_broken;
  }
}

void Listener::count_bad_message() {
  const Lock lock(mutex_);
  ++stats_.bad_messages;
}

NetStats Listener::stats() const {
  const Lock lock(mutex_);
  auto snapshot = stats_;
  snapshot.handshakes_now = handshakes_.size();
  snapshot.sessions_now = connections_.size() - handshakes_.size();
  return snapshot;
}

void Listener::replace_tls(TlsContext tls) {
  TW_ASSERT(!tls.empty() && TlsContextAccess::is_server(tls));
  const Lock lock(mutex_);
  tls_ = std::move(tls);
}

// --- stopping ---

std::vector<std::shared_ptr<Connection>> Listener::all_connections() {
  const Lock lock(mutex_);
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  return all;
}

bool Listener::wait_until_empty(std::chrono::milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  mutex_.lock();
  while (!connections_.empty() || acceptor_open_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) break;
    emptied_.wait_for(mutex_, left);
  }
  const bool empty = connections_.empty() && !acceptor_open_;
  mutex_.unlock();
  return empty;
}

bool Listener::stop(std::chrono::milliseconds drain) {
  TW_ASSERT(!loop_.on_loop_thread());
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  home_->post([self = shared_from_this()] {
    self->acceptor_.reset();
    const Lock lock(self->mutex_);
    self->acceptor_open_ = false;
    self->emptied_.notify_all();
  });
  for (const auto& connection : all_connections())
    connection->shard()->post([connection] { connection->drain(); });
  if (wait_until_empty(drain)) return true;
  const auto left = all_connections();
  for (const auto& connection : left)
    connection->shard()->post([connection] {
      connection->finish(
          {CloseCause::kDropped, TlsFailure::kNone, {ErrorCode::kUnavailable, "the server stops", "", ""}});
    });
  wait_until_empty(std::chrono::hours{1});  // callbacks do not block: this ends soon
  return left.empty();
}

}  // namespace tapewarden::net

#include "net/stream_server.h"

#include <unordered_map>
#include <vector>

#include "base/assert.h"
#include "base/thread_annotations.h"
#include "net/listen_socket.h"
#include "net/shard.h"
#include "net/stream_io.h"

namespace tapewarden::net {

using asio::ip::tcp;

// Invariants
//  1. A stream is in streams from admit() until its on_closed() has returned.
//  2. acceptor and timer are touched on home's thread only, once started.
struct StreamServer::State : std::enable_shared_from_this<State> {
  State(Loop& on, StreamServerOptions with, StreamFactory make)
      : loop(on), options(std::move(with)), factory(std::move(make)), home(LoopAccess::shards(on).front()) {}

  Loop& loop;
  const StreamServerOptions options;
  const StreamFactory factory;
  const std::shared_ptr<Shard> home;
  std::unique_ptr<tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> timer;
  std::uint16_t port = 0;

  Mutex mutex;
  CondVar changed;
  bool listening TW_GUARDED_BY(mutex) = false;
  bool stopping TW_GUARDED_BY(mutex) = false;
  std::uint64_t last_id TW_GUARDED_BY(mutex) = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Stream>> streams TW_GUARDED_BY(mutex);

  Status open();
  void accept_next();
  void retry_accept();
  void admit(std::shared_ptr<Shard> shard, tcp::socket socket);
  void gone(std::uint64_t id);
};

Status StreamServer::State::open() {
  acceptor = std::make_unique<tcp::acceptor>(home->context());
  timer = std::make_unique<asio::steady_timer>(home->context());
  TRY(open_listener(*acceptor, options.listen));
  error_code error;
  port = acceptor->local_endpoint(error).port();
  const MutexLock lock(mutex);
  listening = true;
  return {};
}

void StreamServer::State::accept_next() {
  if (!acceptor) return;
  const auto shard = LoopAccess::lightest(loop);
  acceptor->async_accept(shard->context(),
                         [self = shared_from_this(), shard](const error_code& error, tcp::socket socket) {
                           if (!self->acceptor || error == asio::error::operation_aborted) return;
                           if (error) return self->retry_accept();
                           self->admit(shard, std::move(socket));
                           self->accept_next();
                         });
}

void StreamServer::State::retry_accept() {
  timer->expires_after(kAcceptRetry);
  timer->async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->accept_next();
  });
}

void StreamServer::State::admit(std::shared_ptr<Shard> shard, tcp::socket socket) {
  auto stream = std::make_shared<Stream>(
      shard, std::make_unique<Stream::Io>(shard->context(), std::move(socket)), options.write_timeout);
  bool admitted = false;
  {
    const MutexLock lock(mutex);
    if (stopping) return;
    admitted = streams.size() < options.max_streams;
    if (admitted) {
      const auto id = ++last_id;
      streams.emplace(id, stream);
      // Under the lock, so that cut() comes after it.
      shard->post([self = shared_from_this(), stream, id] {
        auto handler = self->factory(stream);
        if (!handler) return self->gone(id);
        stream->start(std::move(handler), [self, id] { self->gone(id); });
      });
    }
  }
  if (!admitted && options.on_refused)
    options.on_refused(stream->remote_address(),
                       {ErrorCode::kExhausted, "too many connections", "",
                        "raise the limit or find out why this client opens so many"});
}

void StreamServer::State::gone(std::uint64_t id) {
  const MutexLock lock(mutex);
  streams.erase(id);
  changed.notify_all();
}

StreamServer::StreamServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

StreamServer::~StreamServer() {
  close_listener();
  cut();
}

Result<std::unique_ptr<StreamServer>> StreamServer::start(Loop& loop, StreamServerOptions options,
                                                          StreamFactory factory) {
  auto state = std::make_shared<State>(loop, std::move(options), std::move(factory));
  TRY(state->open());
  state->home->post([state] { state->accept_next(); });
  return std::unique_ptr<StreamServer>(new StreamServer(std::move(state)));
}

std::uint16_t StreamServer::port() const {
  return state_->port;
}

void StreamServer::close_listener() {
  TW_ASSERT(!state_->loop.on_loop_thread());
  const MutexLock lock(state_->mutex);
  state_->stopping = true;
  if (state_->listening)
    state_->home->post([state = state_] {
      state->acceptor.reset();
      state->timer.reset();
      const MutexLock closed(state->mutex);
      state->listening = false;
      state->changed.notify_all();
    });
  while (state_->listening) state_->changed.wait(state_->mutex);
}

bool StreamServer::wait_until_empty(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(state_->mutex);
  while (!state_->streams.empty()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    state_->changed.wait_for(state_->mutex, left);
  }
  return true;
}

void StreamServer::cut() {
  TW_ASSERT(!state_->loop.on_loop_thread());
  const MutexLock lock(state_->mutex);
  for (const auto& [id, stream] : state_->streams)
    stream->post([stream] { stream->abort({ErrorCode::kUnavailable, "the server stops", "", ""}); });
  while (!state_->streams.empty()) state_->changed.wait(state_->mutex);
}

}  // namespace tapewarden::net

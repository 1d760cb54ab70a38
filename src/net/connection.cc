#include "net/connection.h"

#include <atomic>
#include <boost/asio/buffer.hpp>

#include "base/assert.h"
#include "crypto/secret_bytes.h"
#include "net/connection_io.h"
#include "net/shard.h"

namespace tapewarden::net {

namespace {

using asio::ip::tcp;
using std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 16U << 10;
constexpr std::size_t kKeptCapacity = 64U << 10;  // a write buffer that grew beyond it is given back
constexpr std::chrono::milliseconds kLingerTime{1'000};

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Connection::Connection(std::shared_ptr<Shard> shard, ConnectionOptions options, std::unique_ptr<Io> io)
    : shard_(std::move(shard)),
      options_(std::move(options)),
      io_(std::move(io)),
      engine_(options_.tls, options_.server_name) {
  info_.id = next_id();
  error_code ignored;
  const auto remote = io_->socket.remote_endpoint(ignored);
  if (!ignored) {
    info_.remote_address = remote.address().to_string();
    info_.remote_port = remote.port();
  }
  shard_->add_load();
}

Connection::~Connection() {
  crypto::wipe(early_);
  shard_->drop_load();
}

// --- the beginning ---

void Connection::start_server() {
  state_ = Phase::kHandshake;
  phase_deadline_ = deadline_after(options_.handshake_timeout);
  shard_->attach(shared_from_this());
  if (state_ == Phase::kClosed) return;
  tune_socket(io_->socket);
  arm_timer();
  read_socket();
}

void Connection::handshake_step() {
  if (state_ != Phase::kHandshake) return;
  switch (engine_.handshake()) {
    case TlsProgress::kDone:
      return opened();
    case TlsProgress::kNeedInput:
      flush();
      if (state_ == Phase::kHandshake) read_socket();
      return;
    case TlsProgress::kClosed:
    case TlsProgress::kFailed:
      return handshake_failed();
  }
}

void Connection::handshake_failed() {
  auto error = engine_.error();
  if (error.message.empty()) error = {ErrorCode::kUnavailable, "the peer ended the connection", "", ""};
  end({CloseCause::kHandshakeFailed, engine_.failure(), std::move(error)});  // sends the alert
}

void Connection::opened() {
  state_ = Phase::kOpen;
  phase_deadline_ = Time::max();
  info_.peer = engine_.peer();
  info_.channel_binding = engine_.channel_binding();
  info_.version = engine_.version();
  if (watcher_ && !watcher_->may_open(*this))
    return end({CloseCause::kDropped, TlsFailure::kNone, {ErrorCode::kUnavailable, "stopping", "", ""}});
  cork();
  set_busy(false);
  events_->on_open(info_);
  send(early_);
  crypto::wipe(early_);
  early_ = {};
  uncork();
  pump();
}

// --- reading ---

void Connection::read_socket() {
  if (reading_ || !io_) return;
  reading_ = true;
  if (input_.empty()) input_.resize(kReadBytes);
  io_->socket.async_read_some(asio::buffer(input_),
                              [self = shared_from_this()](error_code error, std::size_t count) {
                                self->reading_ = false;
                                if (self->state_ == Phase::kClosed) return;
                                if (!error) return self->received(count);
                                if (error == asio::error::eof) return self->peer_ended(false);
                                self->socket_failed(error.message());
                              });
}

void Connection::received(std::size_t count) {
  if (state_ == Phase::kFlushing || state_ == Phase::kLingering) return read_socket();  // thrown away
  if (idle_deadline_ != Time::max()) idle_deadline_ = deadline_after(options_.idle_timeout);
  engine_.feed(ByteView(input_).first(count));
  if (state_ == Phase::kOpen) return pump();
  if (TlsContextAccess::is_server(options_.tls)) return shard_->queue_handshake(shared_from_this());
  handshake_step();
}

void Connection::pump() {
  if (pumping_) return;
  const auto self = shared_from_this();
  pumping_ = true;
  cork();
  auto progress = TlsProgress::kDone;
  while (state_ == Phase::kOpen && !paused_ && progress == TlsProgress::kDone) {
    const auto scratch = shard_->scratch();
    std::size_t count = 0;
    progress = engine_.read(scratch, count);
    if (progress != TlsProgress::kDone) break;
    events_->on_data(scratch.first(count));
    crypto::wipe(scratch.first(count));
  }
  pumping_ = false;
  uncork();
  if (state_ != Phase::kOpen) return;
  if (progress == TlsProgress::kClosed) return peer_ended(true);
  if (progress == TlsProgress::kFailed) return end({CloseCause::kEnded, engine_.failure(), engine_.error()});
  if (!paused_) read_socket();
}

void Connection::pause() {
  paused_ = true;
  message_deadline_ = Time::max();  // the delay is ours
}

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  // Not at once: the caller may be another connection's callback, which owns the scratch room.
  if (!pumping_) shard_->post([self = shared_from_this()] { self->pump(); });
}

void Connection::expect_more(bool partial) {
  if (!partial) {
    message_deadline_ = Time::max();
  } else if (message_deadline_ == Time::max()) {
    message_deadline_ = deadline_after(options_.message_timeout);
    arm_timer();
  }
}

void Connection::expect_until(Time deadline) {
  message_deadline_ = deadline;
  arm_timer();
}

void Connection::set_busy(bool busy) {
  idle_deadline_ = busy ? Time::max() : deadline_after(options_.idle_timeout);
  if (!busy) arm_timer();
}

// --- writing ---

void Connection::send(ByteView plaintext) {
  if (state_ == Phase::kDialling || state_ == Phase::kHandshake) {
    early_.insert(early_.end(), plaintext.begin(), plaintext.end());
  } else if (state_ == Phase::kOpen) {
    if (!engine_.write(plaintext)) return end({CloseCause::kEnded, engine_.failure(), engine_.error()});
    if (corked_ == 0) flush();
  }
}

void Connection::uncork() {
  TW_ASSERT(corked_ > 0);
  if (--corked_ == 0) flush();
}

std::size_t Connection::queued_bytes() const {
  return early_.size() + engine_.output().size() + sending_.size() - sent_;
}

void Connection::flush() {
  if (corked_ > 0 || writing_ || !io_) return;
  for (;;) {
    if (sent_ == sending_.size()) {
      sending_.clear();
      if (sending_.capacity() > kKeptCapacity) sending_ = {};
      std::swap(sending_, engine_.output());
      sent_ = 0;
      if (sending_.empty()) return all_written();
    }
    error_code error;
    const auto rest = ByteView(sending_).subspan(sent_);
    sent_ += io_->socket.write_some(asio::buffer(rest.data(), rest.size()), error);
    if (error == asio::error::would_block || error == asio::error::try_again) return wait_to_write();
    if (error) return socket_failed(error.message());
  }
}

void Connection::wait_to_write() {
  writing_ = true;
  if (write_deadline_ == Time::max()) write_deadline_ = deadline_after(options_.write_timeout);
  arm_timer();
  const auto rest = ByteView(sending_).subspan(sent_);
  io_->socket.async_write_some(asio::buffer(rest.data(), rest.size()),
                               [self = shared_from_this()](error_code error, std::size_t count) {
                                 self->writing_ = false;
                                 if (self->state_ == Phase::kClosed) return;
                                 if (error) return self->socket_failed(error.message());
                                 self->wrote(count);
                               });
}

void Connection::wrote(std::size_t count) {
  sent_ += count;
  write_deadline_ = Time::max();  // progress
  flush();
}

void Connection::all_written() {
  if (state_ == Phase::kFlushing) return linger();
  if (!notify_written_) return;
  notify_written_ = false;
  shard_->post([self = shared_from_this()] {
    if (self->state_ == Phase::kOpen) self->events_->on_writable();
  });
}

// --- the end ---

void Connection::end(CloseReason reason) {
  if (state_ == Phase::kDialling) return finish(std::move(reason));
  if (state_ != Phase::kOpen && state_ != Phase::kHandshake) return;
  state_ = Phase::kFlushing;
  reason_ = std::move(reason);
  message_deadline_ = idle_deadline_ = Time::max();
  phase_deadline_ = deadline_after(options_.write_timeout);
  arm_timer();
  engine_.shutdown();
  flush();
}

void Connection::linger() {
  state_ = Phase::kLingering;
  phase_deadline_ = deadline_after(kLingerTime);
  write_deadline_ = Time::max();
  arm_timer();
  error_code ignored;
  static_cast<void>(io_->socket.shutdown(tcp::socket::shutdown_send, ignored));
  read_socket();
}

void Connection::peer_ended(bool farewell) {
  if (state_ == Phase::kFlushing) return;  // what is queued still goes out; linger() sees the end again
  if (state_ == Phase::kLingering) return finish(reason_);
  if (state_ == Phase::kHandshake)
    return finish({CloseCause::kHandshakeFailed,
                   TlsFailure::kBroken,
                   {ErrorCode::kUnavailable, "the peer ended the connection during the handshake", "", ""}});
  engine_.shutdown();
  flush();
  finish({CloseCause::kEnded,
          TlsFailure::kNone,
          {ErrorCode::kUnavailable, "the peer ended the connection", "", ""},
          farewell});
}

void Connection::socket_failed(const std::string& what) {
  if (state_ == Phase::kFlushing || state_ == Phase::kLingering) return finish(reason_);
  const bool early = state_ == Phase::kHandshake;
  finish({early ? CloseCause::kHandshakeFailed : CloseCause::kEnded,
          TlsFailure::kBroken,
          {ErrorCode::kUnavailable, "the connection broke: " + what, "", ""}});
}

void Connection::finish_with(CloseCause cause, ErrorCode code, std::string message) {
  finish({cause, TlsFailure::kNone, {code, std::move(message), "", ""}});
}

void Connection::finish(CloseReason reason) {
  if (state_ == Phase::kClosed) return;
  state_ = Phase::kClosed;
  error_code ignored;
  static_cast<void>(io_->socket.close(ignored));
  io_.reset();
  shard_->post([self = shared_from_this(), reason = std::move(reason)] {
    if (const auto events = std::exchange(self->events_, nullptr)) events->on_closed(reason);
    if (const auto watcher = std::exchange(self->watcher_, nullptr)) watcher->closed(*self, reason);
    self->shard_->detach(self);
  });
}

void Connection::drain() {
  if (state_ == Phase::kOpen) return events_->on_drain();
  if (state_ == Phase::kHandshake || state_ == Phase::kDialling)
    finish_with(CloseCause::kDropped, ErrorCode::kUnavailable, "stopping");
}

// --- time ---

Connection::Time Connection::earliest_deadline() const {
  return std::min({phase_deadline_, attempt_deadline_, message_deadline_, write_deadline_, idle_deadline_});
}

// A timer that is set for an earlier moment is left alone: it looks again when it fires.
void Connection::arm_timer() {
  const auto earliest = earliest_deadline();
  if (!io_ || earliest >= armed_for_) return;
  armed_for_ = earliest;
  io_->timer.expires_at(earliest);
  io_->timer.async_wait([self = shared_from_this()](error_code error) {
    if (!error && self->state_ != Phase::kClosed) self->timer_fired();
  });
}

void Connection::timer_fired() {
  armed_for_ = Time::max();
  const auto now = steady_clock::now();
  if (phase_deadline_ <= now) return phase_expired();
  if (message_deadline_ <= now)
    return finish_with(CloseCause::kSlow, ErrorCode::kTimeout,
                       "the peer did not complete its message in time");
  if (write_deadline_ <= now)
    return finish_with(CloseCause::kSlow, ErrorCode::kTimeout, "the peer did not take its answer in time");
  if (idle_deadline_ <= now) {
    end({CloseCause::kIdle, TlsFailure::kNone, {ErrorCode::kTimeout, "idle for too long", "", ""}});
  } else if (attempt_deadline_ <= now) {
    attempt_deadline_ = Time::max();
    error_code ignored;
    static_cast<void>(io_->socket.close(ignored));  // its handler goes on to the next address
  }
  arm_timer();
}

void Connection::phase_expired() {
  if (state_ == Phase::kFlushing || state_ == Phase::kLingering) return finish(reason_);
  finish_with(CloseCause::kHandshakeTimeout, ErrorCode::kTimeout,
              state_ == Phase::kDialling ? "the connection was not made in time"
                                         : "the handshake was not done in time");
}

}  // namespace tapewarden::net

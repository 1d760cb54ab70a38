#include "net/stream.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <vector>

#include "base/assert.h"
#include "net/shard.h"
#include "net/stream_io.h"

namespace tapewarden::net {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kGather = 60;                  // buffers of one write; Asio takes 64
constexpr std::size_t kTurnBytes = 4U << 20;         // read of one stream before others have their turn
constexpr std::chrono::milliseconds kLinger{2'000};  // for the peer's end after ours

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  const auto port = ":" + std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]" + port : address + port;
}

void add_buffer(std::vector<asio::const_buffer>& buffers, ByteView view, std::size_t& skip) {
  const auto skipped = std::min(skip, view.size());
  skip -= skipped;
  view = view.subspan(skipped);
  if (!view.empty()) buffers.emplace_back(view.data(), view.size());
}

}  // namespace

Stream::Stream(std::shared_ptr<Shard> shard, std::unique_ptr<Io> io, std::chrono::milliseconds write_timeout)
    : shard_(std::move(shard)), io_(std::move(io)), write_timeout_(write_timeout) {
  error_code error;
  const auto remote = io_->socket.remote_endpoint(error);
  if (!error) remote_ = text_of(remote);
  const auto local = io_->socket.local_endpoint(error);
  if (!error) local_ = text_of(local);
  shard_->add_load();
}

Stream::~Stream() {
  shard_->drop_load();
}

void Stream::start(std::shared_ptr<StreamHandler> handler, std::function<void()> gone) {
  handler_ = std::move(handler);
  gone_ = std::move(gone);
  tune_socket(io_->socket);
  within([this] { handler_->on_open(); });
}

void Stream::post(std::function<void()> task) {
  shard_->post([self = shared_from_this(), task = std::move(task)] { self->within(task); });
}

// Runs a callback; what it sends is written when the outermost one is done.
template <typename Callback>
void Stream::within(Callback&& callback) {
  ++depth_;
  callback();
  if (--depth_ == 0) {
    flush();
    pump();
  }
}

// --- reading ---

void Stream::read(MutableByteView into) {
  TW_ASSERT(!into.empty() && !read_wanted_);
  target_ = into;
  read_wanted_ = true;
  if (depth_ == 0) pump();
}

void Stream::pump() {
  if (pumping_) return;
  pumping_ = true;
  std::size_t turn = 0;
  while (phase_ == Phase::kOpen && read_wanted_ && !read_pending_) {
    if (turn > kTurnBytes) {
      asio::post(io_->socket.get_executor(), [self = shared_from_this()] { self->pump(); });
      break;
    }
    error_code error;
    const auto count = io_->socket.read_some(asio::buffer(target_.data(), target_.size()), error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      read_later();
      break;
    }
    if (error) {
      finish({ErrorCode::kUnavailable, "the connection ended: " + error.message(), "", ""});
      break;
    }
    turn += count;
    target_ = target_.subspan(count);
    if (!target_.empty()) {
      read_later();
      break;
    }
    read_wanted_ = false;
    ++depth_;
    handler_->on_read();
    --depth_;
  }
  pumping_ = false;
  flush();
}

void Stream::read_later() {
  read_pending_ = true;
  io_->socket.async_read_some(
      asio::buffer(target_.data(), target_.size()),
      [self = shared_from_this()](const error_code& error, std::size_t count) {
        self->read_pending_ = false;
        if (self->phase_ != Phase::kOpen) return;
        if (error)
          return self->finish({ErrorCode::kUnavailable, "the connection ended: " + error.message(), "", ""});
        self->target_ = self->target_.subspan(count);
        if (self->target_.empty()) {
          self->read_wanted_ = false;
          self->within([&] { self->handler_->on_read(); });
        } else {
          self->pump();
        }
      });
}

// --- writing ---

void Stream::send(StreamPiece piece) {
  if (phase_ != Phase::kOpen || piece.size() == 0) return;
  queued_ += piece.size();
  queue_.push_back(std::move(piece));
}

void Stream::flush() {
  while (!queue_.empty() && !waiting_to_write_ && phase_ <= Phase::kFlushing) {
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(kGather);
    auto skip = front_done_;
    for (const auto& piece : queue_) {
      if (buffers.size() + 3 > kGather) break;
      add_buffer(buffers, piece.head, skip);
      add_buffer(buffers, piece.body, skip);
      add_buffer(buffers, piece.tail, skip);
    }
    error_code error;
    const auto count = io_->socket.write_some(buffers, error);
    if (error == asio::error::would_block || error == asio::error::try_again) return wait_to_write();
    if (error) return finish({ErrorCode::kUnavailable, "the connection ended: " + error.message(), "", ""});
    wrote(count);
  }
  if (queue_.empty()) all_written();
}

void Stream::wait_to_write() {
  waiting_to_write_ = true;
  if (write_deadline_ == Time::max()) {
    write_deadline_ = deadline_after(write_timeout_);
    arm_timer();
  }
  io_->socket.async_wait(asio::ip::tcp::socket::wait_write,
                         [self = shared_from_this()](const error_code& error) {
                           self->waiting_to_write_ = false;
                           if (!error) self->flush();
                         });
}

void Stream::wrote(std::size_t count) {
  queued_ -= count;
  front_done_ += count;
  while (!queue_.empty() && front_done_ >= queue_.front().size()) {
    front_done_ -= queue_.front().size();
    queue_.pop_front();
  }
  write_deadline_ = Time::max();
  if (queued_ <= notify_below_ && notify_below_ != kNoNotice && phase_ == Phase::kOpen && depth_ == 0) {
    notify_below_ = kNoNotice;
    shard_->post([self = shared_from_this()] {
      if (self->phase_ == Phase::kOpen) self->within([&] { self->handler_->on_written(); });
    });
  }
}

void Stream::all_written() {
  if (phase_ == Phase::kFlushing) linger();
}

// --- ends ---

void Stream::close(Error reason) {
  if (phase_ != Phase::kOpen) return;
  reason_ = std::move(reason);
  phase_ = Phase::kFlushing;
  deadline_ = Time::max();
  if (depth_ == 0) flush();
}

// The peer may still be sending: closing now would reset the connection and could cost it our last bytes.
void Stream::linger() {
  phase_ = Phase::kLingering;
  error_code ignored;
  static_cast<void>(io_->socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored));
  deadline_ = deadline_after(kLinger);
  arm_timer();
  io_->socket.cancel(ignored);  // a read into the caller's buffer
  drain_input();
}

void Stream::drain_input() {
  io_->socket.async_read_some(asio::buffer(io_->discarded),
                              [self = shared_from_this()](const error_code& error, std::size_t) {
                                if (self->phase_ != Phase::kLingering) return;
                                if (error && error != asio::error::operation_aborted)
                                  return self->finish(self->reason_);
                                self->drain_input();
                              });
}

void Stream::abort(Error reason) {
  if (phase_ == Phase::kClosed) return;
  finish(std::move(reason));
}

void Stream::finish(Error reason) {
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kOpen) reason_ = std::move(reason);
  phase_ = Phase::kClosed;
  queue_.clear();
  queued_ = 0;
  read_wanted_ = false;
  error_code ignored;
  static_cast<void>(io_->socket.close(ignored));
  io_->timer.cancel();
  asio::post(io_->socket.get_executor(), [self = shared_from_this()] {
    self->handler_->on_closed(self->reason_);
    self->handler_.reset();
    if (const auto gone = std::exchange(self->gone_, nullptr)) gone();
  });
}

// --- time ---

void Stream::set_deadline(Time moment) {
  if (phase_ != Phase::kOpen) return;
  deadline_ = moment;
  arm_timer();
}

// A later deadline does not touch the timer: it looks again when it fires.
void Stream::arm_timer() {
  const auto moment = std::min(deadline_, write_deadline_);
  if (moment >= armed_for_ || phase_ == Phase::kClosed) return;
  armed_for_ = moment;
  io_->timer.expires_at(moment);
  io_->timer.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->timer_fired();
  });
}

void Stream::timer_fired() {
  armed_for_ = Time::max();
  if (phase_ == Phase::kClosed) return;
  const auto now = steady_clock::now();
  if (now >= write_deadline_)
    return finish({ErrorCode::kTimeout, "the peer does not take what is sent to it", "", ""});
  if (now >= deadline_) {
    deadline_ = Time::max();
    if (phase_ != Phase::kOpen) return finish(reason_);
    within([this] { handler_->on_deadline(); });
  }
  arm_timer();
}

}  // namespace tapewarden::net

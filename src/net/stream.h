// One plain TCP connection on the server's side, for protocols that know before each read how many bytes come
// next and where they belong: reads fill exactly what the caller provides, writes gather pieces without
// copying them, and there is one deadline. No TLS: what runs on it is protected otherwise or not at all.
//
// Everything but post() is to be called on the stream's own thread, from within a callback or a posted task.
// What is sent within one callback leaves together when it returns.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "net/limits.h"

namespace tapewarden::net {

class Shard;
class StreamServer;

// Sent in this order. `keep` holds what `body` views until it is written or the stream is closed.
struct StreamPiece {
  Bytes head{};
  ByteView body{};
  std::shared_ptr<const void> keep{};
  Bytes tail{};

  std::size_t size() const { return head.size() + body.size() + tail.size(); }
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Calls read() for the first time.
  virtual void on_open() = 0;
  // What read() was given is full.
  virtual void on_read() = 0;
  // The queue has shrunk to what notify_below() asked for.
  virtual void on_written() = 0;
  virtual void on_deadline() = 0;
  // The last call, once.
  virtual void on_closed(const Error& reason) = 0;
};

class Stream final : public std::enable_shared_from_this<Stream> {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Io;  // the socket and its timer

  Stream(std::shared_ptr<Shard> shard, std::unique_ptr<Io> io, std::chrono::milliseconds write_timeout);
  ~Stream();

  // Fills `into`, which must live until on_read() or on_closed(). REQUIRES: not empty, no read under way.
  void read(MutableByteView into);
  void send(StreamPiece piece);
  std::size_t queued_bytes() const { return queued_; }
  // Asks for one on_written() when queued_bytes() <= bytes.
  void notify_below(std::size_t bytes) { notify_below_ = bytes; }
  // on_deadline() comes at that moment unless it was moved meanwhile; max() for never.
  void set_deadline(Time moment);
  // Writes what is queued, waits a moment for the peer's end, then closes. Reads end now.
  void close(Error reason);
  // Closes at once; what is queued is lost. on_closed() comes later, not within this call.
  void abort(Error reason);
  bool closing() const { return phase_ != Phase::kOpen; }

  // Runs the task on the stream's thread, also after on_closed(). From any thread; dropped when the loop
  // ends.
  void post(std::function<void()> task);

  const std::string& remote_address() const { return remote_; }  // "127.0.0.1:40000", "[::1]:40000"
  const std::string& local_address() const { return local_; }

 private:
  friend class StreamServer;
  enum class Phase : std::uint8_t { kOpen, kFlushing, kLingering, kClosed };

  void start(std::shared_ptr<StreamHandler> handler, std::function<void()> gone);
  template <typename Callback>
  void within(Callback&& callback);
  void pump();
  void read_later();
  void flush();
  void wait_to_write();
  void wrote(std::size_t count);
  void all_written();
  void linger();
  void drain_input();
  void finish(Error reason);
  void arm_timer();
  void timer_fired();

  const std::shared_ptr<Shard> shard_;
  const std::unique_ptr<Io> io_;
  const std::chrono::milliseconds write_timeout_;
  std::shared_ptr<StreamHandler> handler_;
  std::function<void()> gone_;
  std::string remote_;
  std::string local_;
  Phase phase_ = Phase::kOpen;
  MutableByteView target_{};  // what is left of the read under way
  bool read_wanted_ = false;
  bool read_pending_ = false;  // at the socket
  bool pumping_ = false;
  unsigned depth_ = 0;  // of callbacks
  std::deque<StreamPiece> queue_;
  std::size_t front_done_ = 0;  // bytes of the first piece that are written
  std::size_t queued_ = 0;
  bool waiting_to_write_ = false;
  std::size_t notify_below_ = kNoNotice;
  Error reason_;
  Time deadline_ = Time::max();
  Time write_deadline_ = Time::max();
  Time armed_for_ = Time::max();

  static constexpr std::size_t kNoNotice = static_cast<std::size_t>(-1);
};

}  // namespace tapewarden::net

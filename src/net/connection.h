// Internal to net/. One TLS connection on a socket, server or client side: dialling, handshake, reading with
// flow control, coalesced writing, timeouts, orderly ends. What the plaintext means is up to its
// ConnectionEvents.
//
//   kDialling ──connected──► kHandshake ──done──► kOpen ──close()──► kFlushing ──written──► kLingering
//       └────────────────────────┴─── finish() from any state ───────────┴──────────────────────┴──► kClosed
//
// Invariants
//  1. Everything runs on the shard's thread.
//  2. At most one read and one write are outstanding at the socket; `sending_` does not change meanwhile.
//  3. While paused nothing is read from the socket, and ciphertext already here stays unread in TLS.
//  4. finish() happens once; on_closed() follows once, never from within another callback.
//  5. Each byte given to send() before close() is on its way before the socket closes, unless the peer
//     fails or a timeout cuts the connection.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "net/tls_engine.h"

namespace tapewarden::net {

class Shard;
class Connection;

enum class CloseCause : std::uint8_t { kEnded, kHandshakeTimeout, kHandshakeFailed, kDropped, kIdle, kSlow };

struct CloseReason {
  CloseCause cause = CloseCause::kEnded;
  TlsFailure failure = TlsFailure::kNone;  // with kHandshakeFailed
  Error error;
  bool farewell = false;  // the peer said that nothing is missing (close_notify)
};

class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  virtual void on_open(const SessionInfo& info) = 0;
  // Some plaintext; the view is valid during the call. After pause() within the call no more comes.
  virtual void on_data(ByteView plaintext) = 0;
  // All that was queued has been written; comes when notify_when_written() asked for it.
  virtual void on_writable() {}
  // Finish what is in flight, then close().
  virtual void on_drain() = 0;
  virtual void on_closed(const CloseReason& reason) = 0;
};

// The listener's eye on its connections. may_open() comes before on_open(); when it is false the connection
// ends without. closed() comes after on_closed() has returned.
class ConnectionWatcher {
 public:
  virtual ~ConnectionWatcher() = default;
  virtual bool may_open(Connection& connection) = 0;
  virtual void closed(Connection& connection, const CloseReason& reason) = 0;
};

struct ConnectionOptions {
  TlsContext tls;
  std::string server_name;  // clients only
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds message_timeout{0};
  std::chrono::milliseconds write_timeout{30'000};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Io;  // the socket and its timer

  Connection(std::shared_ptr<Shard> shard, ConnectionOptions options, std::unique_ptr<Io> io);
  ~Connection();

  void set_events(std::shared_ptr<ConnectionEvents> events) { events_ = std::move(events); }
  void set_watcher(std::shared_ptr<ConnectionWatcher> watcher) { watcher_ = std::move(watcher); }

  // A socket that was accepted.
  void start_server();
  // Starts the deadline; connect_to() or finish() follows.
  void start_dialling();
  void connect_to(std::vector<std::string> addresses, std::uint16_t port);

  // Encrypts and sends soon. Before the handshake is done it waits for it; after close() it does nothing.
  void send(ByteView plaintext);
  // Between the two, sends are gathered for one write to the socket. They nest.
  void cork() { ++corked_; }
  void uncork();
  std::size_t queued_bytes() const;

  void pause();
  void resume();
  bool paused() const { return paused_; }
  // A message has begun and is not complete: message_timeout runs from the first such call.
  void expect_more(bool partial);
  // The same with a moment of the caller's own; max() for none.
  void expect_until(std::chrono::steady_clock::time_point deadline);
  // While busy (a request is in flight) idle_timeout does not run.
  void set_busy(bool busy);
  // Asks for one on_writable() when all that is queued has been written.
  void notify_when_written() { notify_written_ = true; }

  // Writes what is queued, says goodbye, waits a moment for the peer's end so that the last bytes are not
  // lost to a reset.
  void close() {
    end({CloseCause::kEnded, TlsFailure::kNone, {ErrorCode::kUnavailable, "closed here", "", ""}});
  }
  // Ends at once.
  void finish(CloseReason reason);
  void drain();  // on_drain(), or the end when the handshake is not done

  void handshake_step();  // called by the shard

  bool open() const { return state_ == Phase::kOpen; }
  const SessionInfo& info() const { return info_; }
  const std::shared_ptr<Shard>& shard() const { return shard_; }

 private:
  enum class Phase : std::uint8_t { kDialling, kHandshake, kOpen, kFlushing, kLingering, kClosed };
  using Time = std::chrono::steady_clock::time_point;

  void try_next_address();
  void connected();
  void read_socket();
  void received(std::size_t count);
  void pump();
  void opened();
  void end(CloseReason reason);
  void handshake_failed();
  void flush();
  void wait_to_write();
  void wrote(std::size_t count);
  void all_written();
  void linger();
  void peer_ended(bool farewell);
  void socket_failed(const std::string& what);
  Time earliest_deadline() const;
  void arm_timer();
  void timer_fired();
  void phase_expired();
  void finish_with(CloseCause cause, ErrorCode code, std::string message);

  std::shared_ptr<Shard> shard_;
  ConnectionOptions options_;
  std::unique_ptr<Io> io_;
  std::shared_ptr<ConnectionEvents> events_;
  std::shared_ptr<ConnectionWatcher> watcher_;
  TlsEngine engine_;
  SessionInfo info_;
  Phase state_ = Phase::kDialling;
  unsigned corked_ = 0;
  bool paused_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool pumping_ = false;
  bool busy_ = false;
  bool notify_written_ = false;
  CloseReason reason_;  // of an end under way
  Bytes early_;         // plaintext sent before the handshake was done
  Bytes input_;         // the read buffer
  Bytes sending_;       // ciphertext being written
  std::size_t sent_ = 0;
  std::vector<std::string> addresses_;
  std::size_t next_address_ = 0;
  std::string last_connect_error_;
  std::uint16_t port_ = 0;
  Time phase_deadline_ = Time::max();
  Time attempt_deadline_ = Time::max();  // of one address while dialling
  Time message_deadline_ = Time::max();
  Time write_deadline_ = Time::max();
  Time idle_deadline_ = Time::max();
  Time armed_for_ = Time::max();
};

struct DialOptions {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<Resolver> resolver;
  ConnectionOptions connection;  // handshake_timeout is the deadline of the whole
};

// Starts to connect on the loop's lightest thread. `made` is called before any event. Any thread.
void dial(Loop& loop, DialOptions options, std::shared_ptr<ConnectionEvents> events,
          const std::function<void(const std::shared_ptr<Connection>&)>& made);

}  // namespace tapewarden::net

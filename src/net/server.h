// A TLS server for protocols whose messages carry their length in front (TTLV: KMIP and DKX). It takes care
// of handshakes, limits, flow control, timeouts and draining; what a message means is its handler's affair.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/tls.h"

namespace tapewarden::net {

// The length in bytes of the whole message, from its first kFrameHeader bytes; an error when they cannot
// begin one. Pure.
using Framer = std::function<Result<std::size_t>(ByteView header)>;
inline constexpr std::size_t kFrameHeader = 8;

// The framer for TTLV (OASIS KMIP 1.0 section 9.1.1): 3-byte tag, type 01h (structure), 4-byte length.
Result<std::size_t> ttlv_frame_size(ByteView header);

// Sends one answer. May be called from any thread, once, at once or later; further calls do nothing. When it
// is dropped without a call the request stays unanswered and its place is free again. Calls after the session
// has ended do nothing.
using Reply = std::function<void(Bytes answer)>;

// One session's handler. Its functions are called one at a time, on a loop thread; they must not block.
class SessionHandler {
 public:
  virtual ~SessionHandler() = default;
  // A whole message. Further messages may come before this one is answered (up to max_in_flight); answers may
  // go out in any order.
  virtual void on_message(Bytes message, Reply reply) = 0;
  // The framer refused the bytes, or the message is beyond the limit: the session ends after the returned
  // last answer (none when empty). Requests in flight are answered first.
  virtual Bytes on_bad_message(const Error& error) {
    (void)error;
    return {};
  }
  // The last call, once.
  virtual void on_closed() {}
};

// What a session may ask of the server.
class SessionControl {
 public:
  virtual ~SessionControl() = default;
  // Stops reading, waits for the answers in flight, then closes. From any thread, also while a message is
  // handled.
  virtual void close() = 0;
};

// Makes the handler of a session whose handshake is done; nullptr ends the session. The handler is released
// after on_closed(). `control` may be kept; it does not keep the connection open.
using SessionFactory =
    std::function<std::shared_ptr<SessionHandler>(const SessionInfo&, std::shared_ptr<SessionControl>)>;

struct FramedServerOptions {
  ListenAddress listen;
  TlsContext tls;
  ServerLimits limits;
  Framer framer = ttlv_frame_size;
  std::size_t max_message_bytes = kDefaultMaxMessage;
  RefusalObserver on_refused;  // may be empty
};

// Thread-safe.
class FramedServer {
 public:
  // Listens and serves. kInvalidArgument for an address that is not numeric; kConflict when the port is
  // taken; kPermissionDenied; kIo.
  static Result<std::unique_ptr<FramedServer>> start(Loop& loop, FramedServerOptions options,
                                                     SessionFactory factory);
  ~FramedServer();  // stop() without waiting for requests in flight
  FramedServer(const FramedServer&) = delete;
  FramedServer& operator=(const FramedServer&) = delete;

  std::uint16_t port() const;
  NetStats stats() const;
  // For connections accepted from now on.
  void replace_tls(TlsContext tls);
  // Accepts nothing more, lets requests in flight be answered for at most `drain`, closes every session and
  // returns when the last on_closed() has returned. True when nothing was cut off. May be called again.
  // REQUIRES: not called on a loop thread.
  bool stop(std::chrono::milliseconds drain);

 private:
  struct State;
  explicit FramedServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::net

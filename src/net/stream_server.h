// A listener for plain TCP streams (net/stream.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "net/limits.h"
#include "net/loop.h"
#include "net/stream.h"

namespace tapewarden::net {

struct StreamServerOptions {
  ListenAddress listen;
  unsigned max_streams = 320;  // beyond it a new connection is closed at once
  std::chrono::milliseconds write_timeout{60'000};
  RefusalObserver on_refused;  // may be empty
};

// Makes the handler of a new connection, on the stream's thread. nullptr closes it.
using StreamFactory = std::function<std::shared_ptr<StreamHandler>(const std::shared_ptr<Stream>&)>;

// Thread-safe.
class StreamServer {
 public:
  // kInvalidArgument for an address that is not numeric; kConflict when the port is taken; kPermissionDenied;
  // kIo. The loop must outlive the server.
  static Result<std::unique_ptr<StreamServer>> start(Loop& loop, StreamServerOptions options,
                                                     StreamFactory factory);
  ~StreamServer();  // close_listener(), then cut()
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  std::uint16_t port() const;
  // Accepts nothing more. REQUIRES: not on a loop thread.
  void close_listener();
  // Waits at most `limit` until no stream is left; true when none is.
  bool wait_until_empty(std::chrono::milliseconds limit);
  // Aborts every stream and returns when the last on_closed() has returned. REQUIRES: as close_listener().
  void cut();

 private:
  struct State;
  explicit StreamServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::net

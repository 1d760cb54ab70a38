// A blocking TCP client without TLS, for tests of plain servers on the loopback network. One thread.
#pragma once

#include "base/bytes.h"

namespace tapewarden::net::testing {

class PlainClient {
 public:
  // Connects to 127.0.0.1; connected() tells whether that worked.
  explicit PlainClient(std::uint16_t port);
  ~PlainClient();
  PlainClient(PlainClient&& other) noexcept;
  PlainClient& operator=(PlainClient&&) = delete;

  bool connected() const { return socket_ >= 0; }
  bool write(ByteView bytes);
  // False when the server ends the connection before, or nothing comes for ten seconds.
  bool read(MutableByteView into);
  // The server has ended the connection; waits for it at most ten seconds.
  bool ended();
  // With `reset` the server sees an error instead of an end.
  void close(bool reset = false);

 private:
  int socket_ = -1;
};

}  // namespace tapewarden::net::testing

// Mutual TLS 1.3 handshakes with OpenSSL alone, both ends in this process: the yardstick for what connections
// cost beyond their cryptography and, where sockets lie between, beyond the kernel's TCP. Contexts are made
// as for real connections, so that both do the same: the names of the authorities in the server's question,
// the check of its address, groups, suites and how buffers are kept. Thread-safe once made.
#pragma once

#include <cstdint>
#include <memory>

#include "net/tls.h"

namespace tapewarden::net::testing {

// A listening socket of the loopback address on a port of its own. One user at a time.
class LoopbackDoor {
 public:
  LoopbackDoor();
  ~LoopbackDoor();
  LoopbackDoor(const LoopbackDoor&) = delete;
  LoopbackDoor& operator=(const LoopbackDoor&) = delete;

  struct Pair {
    int client = -1;
    int server = -1;
  };
  // Both ends of a new connection, without blocking reads; whoever gets them closes them.
  Pair connect() const;

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
};

class BareHandshakes {
 public:
  // Both with a chain of one certificate, its key, and the authority of the other.
  BareHandshakes(const TlsConfig& server, const TlsConfig& client);
  ~BareHandshakes();
  BareHandshakes(const BareHandshakes&) = delete;
  BareHandshakes& operator=(const BareHandshakes&) = delete;

  // One handshake in memory, with certificates required and verified at both ends. False when it fails.
  bool shake() const;
  // The same over a new TCP connection of the loopback address that `door` accepts and both ends close.
  bool shake_over(const LoopbackDoor& door) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace tapewarden::net::testing

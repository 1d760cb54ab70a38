// Mutual TLS 1.3 handshakes with OpenSSL alone, both ends in memory: the yardstick for what connections cost
// beyond their cryptography. Contexts are made as for real connections, so that both do the same: the names
// of the authorities in the server's question, the check of its address, groups, suites and how buffers are
// kept. Thread-safe once made.
#pragma once

#include <memory>

#include "net/tls.h"

namespace tapewarden::net::testing {

class BareHandshakes {
 public:
  // Both with a chain of one certificate, its key, and the authority of the other.
  BareHandshakes(const TlsConfig& server, const TlsConfig& client);
  ~BareHandshakes();
  BareHandshakes(const BareHandshakes&) = delete;
  BareHandshakes& operator=(const BareHandshakes&) = delete;

  // One handshake, with certificates required and verified at both ends. False when it fails.
  bool shake() const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace tapewarden::net::testing

// TLS client connections for length-framed messages. Reconnecting and matching answers to requests are the
// caller's affair, except in BlockingClient.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/tls.h"

namespace tapewarden::net {

struct FramedClientOptions {
  std::string host;  // a DNS name or a numeric address
  std::uint16_t port = 0;
  // The name or address that the server's certificate must carry (subjectAltName); `host` when empty.
  std::string server_name;
  TlsContext tls;
  std::shared_ptr<Resolver> resolver;                 // the system's when null
  std::chrono::milliseconds connect_deadline{5'000};  // resolving, TCP and handshake together
  std::chrono::milliseconds write_timeout{30'000};
  Framer framer = ttlv_frame_size;
  std::size_t max_message_bytes = kDefaultMaxMessage;
};

// Called one at a time on a loop thread; must not block.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  // The handshake is done. Under TLS 1.3 the server may still refuse this client's certificate: then
  // on_closed() follows with kUnauthenticated.
  virtual void on_connected(const SessionInfo& info) = 0;
  virtual void on_message(Bytes message) = 0;
  // The last call, once: the connection could not be made or has ended. kTimeout, kUnavailable (not
  // reachable, or ended by the peer), kUnauthenticated (a certificate was refused, here or there), kNotFound
  // (no such name), kCorrupt (bytes that are no message).
  virtual void on_closed(const Error& reason) = 0;
};

// One connection. Thread-safe.
class FramedClient {
 public:
  // Starts to connect and returns at once. The handler is kept until its on_closed() has returned.
  static std::unique_ptr<FramedClient> connect(Loop& loop, FramedClientOptions options,
                                               std::shared_ptr<ClientHandler> handler);
  // close(). The handler may still be called until its on_closed(): it must not use this object any more.
  ~FramedClient();
  FramedClient(const FramedClient&) = delete;
  FramedClient& operator=(const FramedClient&) = delete;

  // Queues one message, also before on_connected(). Dropped when the connection has ended: on_closed() says
  // so.
  void send(Bytes message);
  // Bytes queued that the peer has not taken: for flow control by the caller.
  std::size_t queued_bytes() const;
  // Ends the connection after what is queued was written; on_closed() follows with kUnavailable.
  void close();

 private:
  struct State;
  explicit FramedClient(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// One request at a time, waiting for its answer: for the command line and tests. One thread at a time, never
// a loop thread.
class BlockingClient {
 public:
  // Errors as ClientHandler::on_closed().
  static Result<BlockingClient> connect(Loop& loop, FramedClientOptions options);
  BlockingClient(BlockingClient&&) noexcept;
  BlockingClient& operator=(BlockingClient&&) noexcept;
  ~BlockingClient();

  const SessionInfo& info() const;
  // Sends and waits for the next message. After an error the connection is of no more use.
  Result<Bytes> call(Bytes request, std::chrono::milliseconds deadline);
  void send(Bytes request);
  Result<Bytes> receive(std::chrono::milliseconds deadline);
  // Waits until the peer has ended the connection; false when the deadline passed first.
  bool wait_closed(std::chrono::milliseconds deadline);

 private:
  struct State;
  BlockingClient(std::unique_ptr<FramedClient> client, std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
  std::unique_ptr<FramedClient> client_;
};

}  // namespace tapewarden::net

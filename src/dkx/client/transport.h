// What the client needs of a connection: the edge that tests replace. The real one is net_transport.h.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "dkx/types.h"

namespace tapewarden::dkx {

// Called one at a time for one connection, on any thread, also from within Connector::connect().
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  // The handshake is done; the server's name was checked against its certificate.
  virtual void on_connected(const ChannelBinding& binding) = 0;
  virtual void on_message(Bytes message) = 0;
  // The last call, once: the connection could not be made or has ended.
  virtual void on_closed(const Error& reason) = 0;
};

// One connection, possibly not made yet. Thread-safe. Destruction closes it.
class Transport {
 public:
  virtual ~Transport() = default;
  // Queues one message. Dropped when the connection has ended: on_closed() says so.
  virtual void send(Bytes message) = 0;
  virtual void close() = 0;
};

// Makes connections to one server, one after the other. Thread-safe.
class Connector {
 public:
  virtual ~Connector() = default;
  // Starts to connect and returns at once.
  virtual std::unique_ptr<Transport> connect(std::shared_ptr<TransportHandler> handler) = 0;
  // For people: "keys1.example:3801".
  virtual std::string address() const = 0;
};

}  // namespace tapewarden::dkx

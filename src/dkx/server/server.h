// The key server's end of the drive key exchange: bytes in, bytes out, no socket (docs/formats/dkx.md). It
// checks everything that ties a request to this moment and this connection (signature, single-use nonce,
// channel binding) and leaves every question of who may have which key to keymgr::KeyService. Refusals are
// audited before they leave; of a sender who is refused again and again most are only counted. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/env.h"
#include "crypto/certificate.h"
#include "dkx/body.h"
#include "dkx/envelope.h"
#include "keymgr/key_service.h"
#include "keymgr/refusal_records.h"
#include "keymgr/server_context.h"

namespace tapewarden::dkx {

// What TLS told about the other end of one connection.
struct ServerPeer {
  ChannelBinding binding{};
  crypto::Certificate certificate;  // chains to the site's authority
  Hash256 fingerprint{};
  std::string name;  // common name
  std::string unit;  // organizational unit: "proxy", "drive", …
  bool expired = false;
  std::string address;  // for the audit
};

struct ServerHealth {
  ServerState state = ServerState::kServing;
  std::string text;
  std::optional<ServerHead> head = {};
};

// Makes one refused message durable in the audit and then calls `done` (with an error when it could not be
// written: the refusal then leaves without its own text). `repeated`: refused messages of the same sender
// that got no record of their own since his last one (refusal_records.h).
using AuditRefusal = std::function<void(const ServerPeer& peer, std::string action, const Refusal& refusal,
                                        std::uint64_t repeated, std::function<void(Status)> done)>;

struct ServerDependencies {
  Env env;
  keymgr::KeyService* keys = nullptr;
  const keymgr::ServerContext* context = nullptr;
  std::function<ServerHealth()> health;
  AuditRefusal audit;
  keymgr::RefusalRecords* refusals = nullptr;  // shared by all connections
};

// One connection's conversation.
class ServerSession {
 public:
  virtual ~ServerSession() = default;
  // One whole envelope; `reply` gets one whole envelope, once, from any thread.
  virtual void handle(Bytes message, std::function<void(Bytes)> reply) = 0;
  // The answer to bytes that cannot begin a message, or to one beyond kMaxMessageBytes. It is audited too.
  virtual Bytes refuse(const Error& error) = 0;
};

// `dependencies` must outlive the session and every reply of it.
std::shared_ptr<ServerSession> open_session(const ServerDependencies& dependencies, ServerPeer peer);

}  // namespace tapewarden::dkx

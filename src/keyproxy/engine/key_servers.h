// The connection of an engine to its key servers, as engine.toml names them, and the proxy that carries
// drives' exchanges over it. Connects in the background and stays connected. The proxy may be used for
// several drives side by side.
#pragma once

#include <memory>

#include "base/env.h"
#include "dkx/client/client.h"
#include "keyproxy/dkx_drive_exchange.h"
#include "keyproxy/engine/engine_config.h"
#include "keyproxy/key_proxy.h"
#include "net/client.h"

namespace tapewarden::keyproxy {

class KeyServers {
 public:
  // kNotFound, kInvalidArgument, kIo: certificates and keys of the proxy. `on_state_change` as
  // dkx::ClientConfig has it; may be empty.
  static Result<std::unique_ptr<KeyServers>> connect(
      Env env, const EngineConfig& config,
      std::function<void(const dkx::ServerStatus&)> on_state_change = {});

  // Waits a moment for the primary: a process that lives for one command would otherwise ask whoever answers
  // first.
  void prefer_primary() const;

  dkx::Client& client() { return *client_; }
  KeyProxy& proxy() { return *proxy_; }
  // What drives that take part in the exchange themselves need; outlives them.
  tape::DriveExchange& exchange() { return exchange_; }

 private:
  KeyServers() = default;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<dkx::Client> client_;
  DkxDriveExchange exchange_;
  std::unique_ptr<KeyProxy> proxy_;
};

}  // namespace tapewarden::keyproxy

// Keys for the drives of a library that is library-managed (row L4): the bay's requests, carried to the key
// servers by the proxy of engine.toml. Thread-safe: several bays at once.
#pragma once

#include <memory>
#include <string>

#include "admin/taped/taped_routes.h"
#include "base/env.h"
#include "tape/device/key_exchange.h"
#include "tape/library/bay_keys.h"

namespace tapewarden::apps {

class TapedKeys : public tape::BayKeys {
 public:
  // `engine_config` is a path. Errors of reading it and the proxy's certificate and key; the connection
  // itself is made in the background.
  static Result<std::unique_ptr<TapedKeys>> connect(Env env, const std::string& engine_config);
  // For the drives; outlives them.
  virtual tape::DriveExchange& exchange() = 0;
  // How the connections are now, the primary's first.
  virtual std::vector<admin::KeyServerView> servers() const = 0;
};

}  // namespace tapewarden::apps

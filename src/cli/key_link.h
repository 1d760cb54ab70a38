// The way of this command to the key servers, in the name of the engine's proxy: network threads, a client
// that knows both servers, and a key proxy over it. One user at a time.
#pragma once

#include <memory>

#include "base/env.h"
#include "cli/engine_config.h"
#include "keyproxy/key_proxy.h"

namespace tapewarden::cli {

class KeyLink {
 public:
  // Connects in the background, the primary first. kNotFound, kInvalidArgument of the configuration's files.
  static Result<std::unique_ptr<KeyLink>> open(Env env, const EngineConfig& config);
  ~KeyLink();

  keyproxy::KeyProxy& proxy();

 private:
  KeyLink();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tapewarden::cli

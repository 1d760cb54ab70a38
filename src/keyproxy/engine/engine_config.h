// engine.toml: who carries drives' key exchanges, to which key servers. Read once; never written by a
// program. A value.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::keyproxy {

struct KeyServerAddress {
  std::string name;  // "primary", "secondary"
  std::string host;
  std::uint16_t port = 3801;
};

struct EngineConfig {
  std::string proxy_name;
  std::string certificate;  // paths, absolute after reading
  std::string key;
  std::string authorities;
  std::string drives;
  std::vector<KeyServerAddress> servers;  // the primary first
  std::vector<std::string> name_servers;  // for the servers' names; empty: the system's resolver
};

// kInvalidArgument naming section and key; an unknown one is an error, so that a misspelt one is noticed.
Result<EngineConfig> read_engine_config(Disk& disk, const std::string& path);

}  // namespace tapewarden::keyproxy

// The old key servers of read-through (K20), as the configuration names them: TLS connections as one of their
// clients, and the threads on which their answers are waited for. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "apps/keyd_config.h"
#include "base/real_env.h"
#include "kmip/client/old_server.h"
#include "net/loop.h"

namespace tapewarden::apps {

class OldKeyServers {
 public:
  // Reads the files and connects to nobody yet. Errors name the file. The loop must outlive it.
  static Result<std::unique_ptr<OldKeyServers>> open(Env env, net::Loop& loop, const KeydConfig& config);
  ~OldKeyServers();
  OldKeyServers(const OldKeyServers&) = delete;
  OldKeyServers& operator=(const OldKeyServers&) = delete;

  kmip::ReadThrough& read_through() { return servers_; }
  std::vector<kmip::OldServerState> states() const { return servers_.states(); }
  // What an operator must be told.
  std::vector<std::string> warnings() const;
  // What is under way, and what comes from now on, fails at once.
  void close();
  // Waits for what is under way: before what imports use is taken away.
  void stop();

 private:
  OldKeyServers() = default;
  Status add(Env env, net::Loop& loop, const KeydConfig& config, const ReadThroughConfig& one);

  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  kmip::OldServers servers_;
  std::vector<std::unique_ptr<ThreadPool>> workers_;  // of each server: one that is slow holds up no other
};

}  // namespace tapewarden::apps

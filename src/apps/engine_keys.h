// The tape engine's connection to its key servers (feature rows T4, T8, T3): keys for physical drives, the
// check of labels before a pool uses them, and the watch over the connections. They are kept open; the
// primary is preferred. Thread-safe: several drives at once.
#pragma once

#include <memory>
#include <string>

#include "admin/taped/taped_routes.h"
#include "apps/key_server_watch.h"
#include "engine/operator/label_check.h"
#include "engine/physical/drive_keys.h"
#include "keyproxy/engine/key_servers.h"

namespace tapewarden::apps {

class EngineKeys final : public engine::DriveKeys, public engine::KeyNameCheck {
 public:
  // `engine_config`: path of engine.toml. Errors of reading it and the proxy's certificate and key; the
  // connections themselves are made in the background. Borrows the notices; `regained`: key_server_watch.h.
  static Result<std::unique_ptr<EngineKeys>> connect(Env env, const std::string& engine_config,
                                                     engine::Notices& notices,
                                                     std::function<void()> regained = {});
  ~EngineKeys() override;
  // Neither the notices nor `regained` are called from now on.
  void stop_telling() { watch_->close(); }

  Result<engine::KeyNames> serve(tape::TapeDrive& drive) override;
  Status confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) override;

  Result<std::vector<std::string>> check_labels(const std::vector<std::string>& labels) override;
  Result<std::vector<std::string>> check_group(const std::string& name) override;

  // For drives of this process; outlives them.
  tape::DriveExchange& exchange() { return servers_->exchange(); }
  // How the connections are now, the primary's first.
  std::vector<admin::KeyServerView> servers() const;

 private:
  EngineKeys(engine::Notices& notices, std::function<void()> regained)
      : watch_(std::make_shared<KeyServerWatch>(notices, std::move(regained))) {}
  std::string server_of(dkx::ServerRole role) const;
  // What an operator should know of them.
  Result<std::vector<std::string>> check(std::vector<dkx::Check> checks);

  const std::shared_ptr<KeyServerWatch> watch_;
  std::unique_ptr<keyproxy::KeyServers> servers_;
};

// How the connections are, for REST.
std::vector<admin::KeyServerView> views_of(const dkx::Client& client);

// What a key server's word on a label or group means for a pool that is to use it; `server` names it.
Status judge(const dkx::CheckResult& result, const std::string& server);
// What an operator should know of one that may be used; empty: nothing.
std::string note_of(const dkx::CheckResult& result, const std::string& server);

}  // namespace tapewarden::apps

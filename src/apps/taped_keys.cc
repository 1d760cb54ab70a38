#include "apps/taped_keys.h"

#include "apps/log.h"
#include "cli/key_servers.h"

namespace tapewarden::apps {
namespace {

// Commands to the drive in a host's name. Unlike InProcessTransport it ends no nexus: that is the host's.
class HostTransport final : public tape::Transport {
 public:
  HostTransport(scsi::LogicalUnit& drive, scsi::NexusId nexus) : drive_(drive), nexus_(nexus) {}
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                        std::chrono::milliseconds) override {
    auto response = drive_.execute({.cdb = cdb, .nexus = nexus_, .data_out = data_out});
    if (response.data_in.size() > data_in_limit) response.data_in.resize(data_in_limit);
    return tape::TransportAnswer{response.status, response.sense, std::move(response.data_in)};
  }
  bool on_local_bus() const override { return true; }

 private:
  scsi::LogicalUnit& drive_;
  scsi::NexusId nexus_;
};

class ProxyKeys final : public TapedKeys {
 public:
  explicit ProxyKeys(std::unique_ptr<cli::KeyServers> servers) : servers_(std::move(servers)) {}

  tape::DriveExchange& exchange() override { return servers_->exchange(); }

  std::vector<admin::KeyServerView> servers() const override {
    std::vector<admin::KeyServerView> views;
    for (const auto& server : servers_->client().status())
      views.push_back({std::string(dkx::to_string(server.role)), server.address,
                       std::string(dkx::to_string(server.connection)), server.state_text,
                       server.failure ? server.failure->text() : ""});
    return views;
  }

  void serve(scsi::LogicalUnit& drive, scsi::NexusId nexus) override {
    HostTransport transport(drive, nexus);
    tape::TapeDrive tape(transport);
    const auto served = servers_->proxy().serve(tape);
    if (!served) {
      log(LogLevel::kWarning, "no key for a drive: " + served.error().text());
      return;
    }
    std::string names = served->alias;
    for (const auto& label : served->labels) names += (names.empty() ? "" : ", ") + label;
    log(LogLevel::kInfo, "a drive got the key " + names + (served->may_write ? "" : ", for reading"));
  }

  bool confirm(scsi::LogicalUnit& drive, scsi::NexusId nexus) override {
    HostTransport transport(drive, nexus);
    tape::TapeDrive tape(transport);
    const auto status = tape.key_path_status();
    if (!status || !status->confirm_due) return false;
    if (const auto confirmed = servers_->proxy().confirm(tape); !confirmed)
      log(LogLevel::kWarning, "the key server was not told of a write: " + confirmed.error().text());
    return true;
  }

 private:
  std::unique_ptr<cli::KeyServers> servers_;
};

}  // namespace

Result<std::unique_ptr<TapedKeys>> TapedKeys::connect(Env env, const std::string& engine_config) {
  const auto config = TRY(cli::read_engine_config(*env.disk, engine_config));
  return std::make_unique<ProxyKeys>(TRY(cli::KeyServers::connect(env, config)));
}

}  // namespace tapewarden::apps

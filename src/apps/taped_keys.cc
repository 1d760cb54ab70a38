#include "apps/taped_keys.h"

#include "apps/engine_keys.h"
#include "apps/log.h"
#include "keyproxy/engine/key_servers.h"

namespace tapewarden::apps {
namespace {

constexpr scsi::NexusId kKeyPathNexus{1};  // the key path of a bay knows no nexus

class ProxyKeys final : public TapedKeys {
 public:
  explicit ProxyKeys(std::unique_ptr<keyproxy::KeyServers> servers) : servers_(std::move(servers)) {}

  tape::DriveExchange& exchange() override { return servers_->exchange(); }

  std::vector<admin::KeyServerView> servers() const override { return views_of(servers_->client()); }

  void serve(scsi::LogicalUnit& drive) override {
    tape::InProcessTransport transport(drive, kKeyPathNexus);
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

  bool confirm(scsi::LogicalUnit& drive, const std::string& what,
               std::chrono::milliseconds patience) override {
    tape::InProcessTransport transport(drive, kKeyPathNexus);
    tape::TapeDrive tape(transport);
    const auto confirmed = servers_->proxy().confirm(tape, patience);
    if (!confirmed)
      log(LogLevel::kWarning,
          "the key server was not told of a write (" + what + "): " + confirmed.error().text());
    return confirmed.has_value();
  }

  void gave_up(const std::string& what) override {
    log(LogLevel::kError,
        "no key server will be told of a write (" + what +
            "): it was refused for good; the key ledger has the key as issued, not as confirmed");
  }

 private:
  std::unique_ptr<keyproxy::KeyServers> servers_;
};

}  // namespace

Result<std::unique_ptr<TapedKeys>> TapedKeys::connect(Env env, const std::string& engine_config) {
  const auto config = TRY(keyproxy::read_engine_config(*env.disk, engine_config));
  return std::make_unique<ProxyKeys>(TRY(keyproxy::KeyServers::connect(env, config)));
}

}  // namespace tapewarden::apps

// tapewarden-taped: the tape engine. It serves a virtual library over iSCSI, from files or, with [engine],
// from a cache with cartridges behind it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <signal.h>

#include "apps/log.h"
#include "apps/taped_server.h"
#include "base/real_env.h"
#include "crypto/random.h"
#include "crypto/self_test.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kSecureHeapBytes = 4U << 20;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitDamaged = 6;

int report(const Error& error) {
  std::fprintf(stderr, "tapewarden-taped: %s\n", error.text().c_str());
  if (error.code == ErrorCode::kCorrupt) return kExitDamaged;
  return error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

struct System {
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  ThreadPool pool{2};
  Env env() { return {&clock, &disk, &random, &pool}; }
};

int run(System& system, const std::string& path, const sigset_t& signals) {
  const auto config = read_taped_config(system.disk, path);
  if (!config) return report(config.error());
  if (const auto level = set_log_level(config->log_level); !level) return report(level.error());
  const auto server = TapedServer::start(system.env(), *config);
  if (!server) return report(server.error());
  const auto partitions = config->library.partitions.size();
  log(LogLevel::kInfo, "library " + config->library.changer.serial + " ready: iSCSI " +
                           config->iscsi.address + ":" + std::to_string((*server)->iscsi_port()) +
                           (partitions == 0 ? ", target " + config->iscsi.target
                                            : ", " + std::to_string(partitions) + " targets"));
  if (config->https)
    log(LogLevel::kInfo,
        "operators: https://" + config->https->address + ":" + std::to_string((*server)->https_port()));
  if (!config->iscsi.initiator)
    log(LogLevel::kWarning, "no CHAP user is configured: whoever reaches the port can use the library");
  int received = 0;
  sigwait(&signals, &received);
  log(LogLevel::kInfo, "stopping");
  const auto stopped = (*server)->stop();
  return stopped ? 0 : report(stopped.error());
}

int start(int argc, char** argv) {
  // Blocked in every thread from the beginning, so that only sigwait() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  CLI::App app{"The Tapewarden tape engine"};
  app.set_version_flag("--version", TAPEWARDEN_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 done, 1 failed or refused, 2 wrong usage, 6 damage found.");
  std::string config;
  auto* serve = app.add_subcommand("run", "Serve until SIGTERM");
  serve->add_option("--config", config, "taped.toml")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const std::string heap_warning = crypto::harden_process(kSecureHeapBytes);
  if (!heap_warning.empty()) log(LogLevel::kWarning, heap_warning);
  if (const auto tested = crypto::run_self_test(); !tested) return report(tested.error());
  System system;
  return run(system, config, signals);
}

}  // namespace
}  // namespace tapewarden::apps

int main(int argc, char** argv) {
  return tapewarden::apps::start(argc, argv);
}

// tapewarden-taped: the tape engine. It serves a virtual library over iSCSI, from files or, with [engine],
// from a cache with cartridges behind it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <signal.h>

#include "apps/accept_cache_loss.h"
#include "apps/catalogue_rebuild.h"
#include "apps/log.h"
#include "apps/taped_server.h"
#include "base/nearest_words.h"
#include "base/real_env.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/self_test.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kSecureHeapBytes = 4U << 20;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitNotFound = 3;
constexpr int kExitUnavailable = 5;
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

struct RebuildWords {
  std::string config;
  std::string engine;
  bool set_aside = false;
  bool incomplete = false;
  bool json = false;
};

// Of a command that people give: the statuses of the command line.
int report_of_command(const Error& error) {
  const int status = report(error);
  if (error.code == ErrorCode::kNotFound) return kExitNotFound;
  if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout) return kExitUnavailable;
  return status;
}

int rebuild(System& system, const RebuildWords& words) {
  CatalogueRebuildOptions options{.set_aside = words.set_aside, .incomplete = words.incomplete};
  if (!words.engine.empty()) {
    const auto engine = Uuid::parse(words.engine);
    if (!engine)
      return report(Error{ErrorCode::kInvalidArgument, words.engine + " is no UUID", "--engine",
                          "write it as the file engine-id has it, or as a rebuild without it tells"});
    options.engine = *engine;
  }
  const auto config = read_taped_config(system.disk, words.config);
  if (!config) return report_of_command(config.error());
  if (const auto level = set_log_level(config->log_level); !level) return report(level.error());
  const auto rebuilt = rebuild_catalogue(system.env(), *config, options, [](const std::string& line) {
    std::fprintf(stderr, "%s\n", escape_unprintable(line).c_str());
  });
  if (!rebuilt) return report_of_command(rebuilt.error());
  std::fputs((words.json ? json_of(*rebuilt) + "\n" : text_of(*rebuilt)).c_str(), stdout);
  if (found_damage(*rebuilt)) return kExitDamaged;
  return rebuilt->in_place ? 0 : kExitFailed;
}

int accept_loss(System& system, const std::string& path, const std::string& folder) {
  const auto config = read_taped_config(system.disk, path);
  if (!config) return report_of_command(config.error());
  const auto told = accept_cache_loss(system.env(), *config, folder);
  if (!told) return report_of_command(told.error());
  std::fputs(text_of(*told).c_str(), stdout);
  return told->accepted || !told->loss.anything() ? 0 : kExitFailed;
}

// For run: in every thread from the beginning, so that only sigwait() sees them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int start(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);

  CLI::App app{"The Tapewarden tape engine"};
  app.set_version_flag("--version", TAPEWARDEN_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 failed or refused, 2 wrong usage, 6 damage found; of catalogue-rebuild also 3 "
      "nothing found, 5 no answer; of accept-cache-loss 1 also: something is missing, and was not accepted.");
  std::string config;
  auto* serve = app.add_subcommand("run", "Serve until SIGTERM");
  serve->add_option("--config", config, "taped.toml")->required();
  RebuildWords words;
  auto* rebuilding = app.add_subcommand(
      "catalogue-rebuild", "Put a lost catalogue together again from the cartridges; the engine is stopped");
  rebuilding->add_option("--config", words.config, "taped.toml")->required();
  rebuilding->add_option("--engine", words.engine, "UUID of the engine whose catalogue it is to be");
  rebuilding->add_flag("--set-aside", words.set_aside, "Rename the catalogue that is there");
  rebuilding->add_flag("--incomplete", words.incomplete,
                       "Put it in place though cartridges could not be read");
  rebuilding->add_flag("--json", words.json, "Print the report as a JSON object");
  std::string folder;
  auto* accepting = app.add_subcommand(
      "accept-cache-loss", "Tell what a lost cache means and, with --folder, take it; the engine is stopped");
  accepting->add_option("--config", config, "taped.toml")->required();
  accepting->add_option("--folder", folder, "The cache's folder: its files are lost for good");
  // CLI11 calls a word that it does not know a missing one.
  const std::vector<std::string> commands{"run", "catalogue-rebuild", "accept-cache-loss"};
  const std::string word = argc > 1 ? argv[1] : "-";
  if (!word.starts_with('-') && std::ranges::find(commands, word) == commands.end()) {
    const auto text = "tapewarden-taped: there is no command " + escape_unprintable(word.substr(0, 64)) +
                      "; " + nearest_words(word, commands) + "\n";
    std::fputs(text.c_str(), stderr);
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const std::string heap_warning = crypto::harden_process(kSecureHeapBytes);
  if (!heap_warning.empty()) log(LogLevel::kWarning, heap_warning);
  if (const auto tested = crypto::run_self_test(); !tested) return report(tested.error());
  if (rebuilding->parsed()) {
    System system;
    return rebuild(system, words);
  }
  if (accepting->parsed()) {
    System system;
    return accept_loss(system, config, folder);
  }
  const sigset_t signals = block_signals();
  System system;
  return run(system, config, signals);
}

}  // namespace
}  // namespace tapewarden::apps

int main(int argc, char** argv) {
  return tapewarden::apps::start(argc, argv);
}

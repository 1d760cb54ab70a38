// tapewarden-keyd: the key server. Here its command line is read; keyd_actions.h does what it says.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <signal.h>
#include <utility>
#include <variant>

#include "apps/keyd_actions.h"
#include "apps/keyd_server.h"
#include "apps/log.h"
#include "base/nearest_words.h"
#include "base/text.h"
#include "crypto/self_test.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kSecureHeapBytes = 16U << 20;
constexpr const char* kFooter =
    "Exit status: 0 done, 1 failed or refused, 2 wrong usage, 6 damage found, 8 backups lack files.";

// The commands with what their options are bound to. Their addresses stay.
class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", TAPEWARDEN_VERSION);
    app_.require_subcommand(1);
    app_.footer(kFooter);
    add_serving();
    add_audit();
    add_site();
    add_secondary();
    add_joining();
    add_shares();
    add_passphrase();
    add_backups();
  }

  // What is to be done; an exit status when there is nothing.
  std::variant<int, std::function<int(System&)>> parse(int argc, char** argv) {
    if (const auto known = check_words({argv + 1, argv + argc}); !known) return report(known.error());
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : kExitUsage;
    }
    for (const auto& [command, action] : actions_) {
      if (command->parsed()) return action;
    }
    return kExitUsage;
  }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* meaning, std::function<int(System&)> action) {
    CLI::App* command = parent.add_subcommand(name, meaning);
    actions_.emplace_back(command, std::move(action));
    return command;
  }
  CLI::App* add(const char* name, const char* meaning, std::function<int(System&)> action) {
    return add(app_, name, meaning, std::move(action));
  }
  CLI::App* add_noun(const char* name, const char* meaning) {
    CLI::App* noun = app_.add_subcommand(name, meaning);
    noun->require_subcommand(1);
    return noun;
  }

  // CLI11 calls a word that it does not know a missing one.
  Status check_words(const std::vector<std::string>& words) const {
    const CLI::App* at = &app_;
    for (const std::string& word : words) {
      if (word == "--") return {};
      if (word.starts_with("--")) {
        const std::string name = word.substr(0, word.find('='));
        if (at->get_option_no_throw(name) != nullptr) continue;
        return unknown("option", name, names_of(at->get_options()));
      }
      const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
      if (word.starts_with("-") || commands.empty()) continue;
      const auto found =
          std::ranges::find(commands, word, [](const CLI::App* one) { return one->get_name(); });
      if (found == commands.end()) return unknown("command", word, names_of(commands));
      at = *found;
    }
    return {};
  }
  static std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
    std::vector<std::string> out;
    for (const CLI::App* one : commands) out.push_back(one->get_name());
    return out;
  }
  static std::vector<std::string> names_of(const std::vector<const CLI::Option*>& options) {
    std::vector<std::string> out;
    for (const CLI::Option* one : options) {
      for (const std::string& name : one->get_lnames()) out.push_back("--" + name);
    }
    return out;
  }
  static std::unexpected<Error> unknown(const char* kind, const std::string& word,
                                        const std::vector<std::string>& known) {
    return fail(ErrorCode::kInvalidArgument,
                "there is no " + std::string(kind) + " " + escape_unprintable(word.substr(0, 64)), "",
                nearest_words(word, known));
  }

  void add_serving();
  void add_audit();
  void add_site();
  void add_secondary();
  void add_joining();
  void add_shares();
  void add_passphrase();
  void add_backups();

  CLI::App app_{"The Tapewarden key server"};
  std::vector<std::pair<CLI::App*, std::function<int(System&)>>> actions_;
  std::string config_;
  AuditCheck audit_;
  SiteOptions site_;
  std::string primary_;
  std::string secondary_;
  RenewOptions renewal_;
  int within_ = 90;
  ShareOptions sharing_;
  std::vector<std::string> share_files_;
  std::string joined_file_;
  PassphraseChange passphrase_;
  RestoreCommand restore_;
  BackupFileOptions verify_;
  std::string scratch_ = "/tmp";
  SecondaryOptions second_;
  std::string second_address_;
  IntroduceOptions introduction_;
  MergeOptions merge_;
};

void CommandLine::add_serving() {
  const auto serve = [this](System& system) { return run(system, config_); };
  add("run", "Serve until SIGTERM", serve)->add_option("--config", config_, "keyd.toml")->required();
  const auto look = [this](System& system) { return check(system, config_); };
  add("check", "Verify the keystore and audit of a stopped server", look)
      ->add_option("--config", config_, "keyd.toml")
      ->required();
}

void CommandLine::add_audit() {
  CLI::App* noun = add_noun("audit", "Work on an audit record's files");
  auto* command = add(*noun, "verify", "Check an audit record by its files alone: no server, no master key",
                      [this](System& system) { return verify_audit(system, audit_); });
  command->add_option("PATH", audit_.path, "a directory of audit files, or one of them")->required();
  command->add_option("--certificate", audit_.certificate, "the server's tls/signing.crt");
  command->add_option("--against", audit_.against, "a file of checkpoints that were noted elsewhere");
}

void CommandLine::add_site() {
  auto* init = add("site-init", "Make a ready site: authority, two key servers, people",
                   [this](System& system) { return site_init(system, site_, primary_, secondary_); });
  init->add_option("DIR", site_.directory, "a new folder")->required();
  init->add_option("--name", site_.name, "the site's name, for certificates and the recovery kit");
  init->add_option("--primary", primary_, "HOST[:DKX-PORT[:HTTPS-PORT]]");
  init->add_option("--secondary", secondary_, "HOST[:DKX-PORT[:HTTPS-PORT]]");
  init->add_option("--engine", site_.engine,
                   "name or address of the tape engine's machine, for its certificate, beside 127.0.0.1");
  init->add_option("--listen", site_.listen, "address that both listen on");
  auto* renewing =
      add("site-renew", "Give the certificates of a site's folder two years more", [this](System& system) {
        renewal_.within = std::chrono::days(within_);
        return renew(system, renewal_);
      });
  renewing->add_option("DIR", renewal_.directory, "the site's folder, or the folder of one server")
      ->required();
  renewing->add_option("--ca", renewal_.authority,
                       "folder with authority.crt and authority.key; DIR/ca unless given");
  renewing->add_option("--within", within_, "days: renew what runs out before; 90 unless given")
      ->check(CLI::Range(1, 36500));
  renewing->add_flag("--all", renewal_.all, "renew every one");
}

void CommandLine::add_secondary() {
  auto* command =
      add("add-secondary", "Make a second server for one that runs alone",
          [this](System& system) { return apps::add_secondary(system, second_, second_address_); });
  command->add_option("--config", second_.primary_config, "the keyd.toml of the server that is there")
      ->required();
  command->add_option("--ca", second_.authority, "folder with authority.crt and authority.key")->required();
  command->add_option("--dir", second_.directory, "where the new server's folder is made")->required();
  command->add_option("--name", second_.name, "the new server's name");
  command->add_option("--host", second_address_, "HOST[:DKX-PORT[:HTTPS-PORT]] of the new server");
  command->add_option("--primary-host", second_.primary_host, "how the new server reaches the other");
}

void CommandLine::add_joining() {
  auto* introducing =
      add("introduce", "Write this server's join file, for a server that shall become its peer",
          [this](System& system) { return apps::introduce(system, introduction_); });
  introducing->add_option("--config", introduction_.config, "this server's keyd.toml")->required();
  introducing->add_option("--host", introduction_.host,
                          "HOST[:HTTPS-PORT], as the other server reaches this one");
  introducing->add_option("--to", introduction_.to, "the new file")->required();
  auto* merging =
      add("merge-with", "Make a server of another installation the peer of this one; both are merged",
          [this](System& system) { return apps::merge_with(system, merge_); });
  merging->add_option("--config", merge_.config, "this server's keyd.toml")->required();
  merging->add_option("--file", merge_.file, "the other server's join file")->required();
  merging->add_option("--fingerprint", merge_.fingerprint, "of that file, as it was read aloud there")
      ->required();
}

void CommandLine::add_shares() {
  CLI::App* noun = add_noun("shares", "Give a passphrase to several custodians, and take it back");
  auto* make = add(*noun, "make", "Split a passphrase into recovery shares",
                   [this](System& system) { return make_recovery_shares(system, sharing_); });
  make->add_option("--secret-file", sharing_.secret_file, "file whose first line is shared")->required();
  make->add_option("--name", sharing_.name, "what it opens, for the custodians")->required();
  make->add_option("--need", sharing_.needed, "how many shares give it back; 3 unless given");
  make->add_option("--of", sharing_.count, "how many are made, at most 16; 5 unless given");
  make->add_option("--to", sharing_.directory, "a new folder for the files to print")->required();
  auto* join = add(*noun, "join", "Bring the passphrase back", [this](System& system) {
    return join_recovery_shares(system, share_files_, joined_file_);
  });
  join->add_option("FILE", share_files_, "shares, as they were made or typed in from paper")->required();
  join->add_option("--to", joined_file_, "a new file for the passphrase")->required();
}

void CommandLine::add_passphrase() {
  CLI::App* noun = add_noun("passphrase", "Work on the passphrase of the master key");
  auto* change = add(*noun, "change", "Give a stopped server's master-key file another passphrase",
                     [this](System& system) { return apps::change_passphrase(system, passphrase_); });
  change->add_option("--config", passphrase_.config, "keyd.toml")->required();
  change->add_option("--passphrase-file", passphrase_.passphrase_file,
                     "the present passphrase; unless given: as `run` takes it");
  change->add_option("--new-passphrase-file", passphrase_.new_passphrase_file,
                     "the new one, 12 characters or more; unless given: asked for");
}

void add_backup_options(CLI::App& command, BackupFileOptions& options) {
  command.add_option("--from", options.from, "folder with .twb files");
  command.add_option("--file", options.file, "the newest file to take; unless given: the newest there is");
  command.add_flag("--incomplete", options.incomplete,
                   "go on though files are missing: what was changed after the gap is lost");
  command.add_option("--passphrase-file", options.passphrase_file, "of the backup; unless given: asked for");
  command.add_option("--recipient-key", options.recipient_key, "PEM: the private key of a recipient");
  command.add_option("--signer", options.signer, "SHA-256 of the server's signing certificate");
  command.add_option("--ca", options.authority, "PEM: the authority that issued it");
}

void CommandLine::add_backups() {
  auto* restoring = add("restore", "Make a key server's folder out of its backups, on a bare machine",
                        [this](System& system) { return restore(system, restore_); });
  add_backup_options(*restoring, restore_.backup);
  restoring->add_option("--to", restore_.to, "the server's new folder")->required();
  restoring->add_option("--new-passphrase-file", restore_.new_passphrase_file,
                        "of the new master key; unless given: asked for");
  restoring->add_option("--tombstones", restore_.tombstones,
                        "further folders or files: keys destroyed there stay destroyed");
  auto* proving = add("verify-backup", "Prove that backup files restore, without a server",
                      [this](System& system) { return verify(system, verify_, scratch_); });
  add_backup_options(*proving, verify_);
  proving->add_option("--scratch", scratch_, "folder for the scratch restore; /tmp unless given");
}

int start(int argc, char** argv) {
  // Blocked in every thread from the beginning, so that only sigwait() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  CommandLine line;
  const auto parsed = line.parse(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const std::string heap_warning = crypto::harden_process(kSecureHeapBytes);
  if (!heap_warning.empty()) log(LogLevel::kWarning, heap_warning);
  crypto::on_secrets_not_locked([] { log(LogLevel::kWarning, std::string(kSecretsNotLocked)); });
  if (const auto tested = crypto::run_self_test(); !tested) return report(tested.error());
  System system;
  return std::get<std::function<int(System&)>>(parsed)(system);
}

}  // namespace
}  // namespace tapewarden::apps

int main(int argc, char** argv) {
  return tapewarden::apps::start(argc, argv);
}

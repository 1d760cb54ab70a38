// tapewarden-keyd: the key server.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <signal.h>
#include <thread>

#include "apps/audit_check.h"
#include "apps/backup_commands.h"
#include "apps/join_file.h"
#include "apps/keyd_server.h"
#include "apps/log.h"
#include "apps/share_files.h"
#include "apps/site_init.h"
#include "apps/site_renew.h"
#include "base/real_env.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/self_test.h"

namespace tapewarden::apps {
namespace {

constexpr std::size_t kSecureHeapBytes = 16U << 20;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitDamaged = 6;

int report(const Error& error) {
  std::fprintf(stderr, "tapewarden-keyd: %s\n", error.text().c_str());
  if (error.code == ErrorCode::kCorrupt) return kExitDamaged;
  return error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

struct System {
  RealClock clock;
  RealDisk disk;
  crypto::SystemRandom random;
  ThreadPool pool{std::max(2U, std::thread::hardware_concurrency())};
  Env env() { return {&clock, &disk, &random, &pool}; }
};

// HOST[:DKX-PORT[:HTTPS-PORT]]
Status parse_server(const std::string& text, const std::string& field, SiteServer& server) {
  const auto parts = split(text, ':');
  if (parts.size() > 3)
    return fail(ErrorCode::kInvalidArgument, "too many parts", field, "give HOST:DKX-PORT:HTTPS-PORT");
  server.host = parts[0];
  if (parts.size() > 1)
    server.dkx_port = static_cast<std::uint16_t>(TRY(parse_number(parts[1], 1, 65535, field)));
  if (parts.size() > 2)
    server.https_port = static_cast<std::uint16_t>(TRY(parse_number(parts[2], 1, 65535, field)));
  return {};
}

int site_init(System& system, SiteOptions options, const std::string& primary, const std::string& secondary) {
  if (!primary.empty()) {
    if (const auto parsed = parse_server(primary, "primary", options.primary); !parsed)
      return report(parsed.error());
  }
  if (!secondary.empty()) {
    const auto parsed = parse_server(secondary, "secondary", options.secondary);
    if (!parsed) return report(parsed.error());
  }
  const auto made = init_site(system.env(), options);
  if (!made) return report(made.error());
  std::printf("A site is ready in %s\n", made->directory.c_str());
  std::printf("  authority      SHA-256 %s\n", made->authority_fingerprint.c_str());
  for (const auto& name : made->people) {
    std::printf("  person         %s (first password in people/%s/password)\n", name.c_str(), name.c_str());
  }
  std::printf("  recovery kit   %s: print it, lock the paper away, delete the file\n",
              made->recovery_kit.c_str());
  std::printf("  passphrases    lie beside the keystores for now: move them to another volume\n");
  std::printf("  backups        add targets with --passphrase-file %s/backup-passphrase,\n",
              made->directory.c_str());
  std::printf("                 and the recovery kit opens them\n\nNext:\n");
  std::printf("  tapewarden-keyd run --config %s/primary/keyd.toml\n", made->directory.c_str());
  std::printf("  tapewarden-keyd run --config %s/secondary/keyd.toml\n", made->directory.c_str());
  std::printf("  tapewarden login --site %s --as officer-1\n", made->directory.c_str());
  return 0;
}

int add_secondary(System& system, SecondaryOptions options, const std::string& address) {
  if (!address.empty()) {
    const auto parsed = parse_server(address, "host", options.address);
    if (!parsed) return report(parsed.error());
  }
  const auto made = add_secondary(system.env(), options);
  if (!made) return report(made.error());
  std::printf("The new server's folder is %s\n", made->folder.c_str());
  std::printf(
      "  It holds its master key and, for now, the passphrase: carry it as you would carry keys.\n\n");
  std::printf("Next:\n  1. Add these lines to %s and start that server again:\n\n%s\n",
              options.primary_config.c_str(), made->primary_config.c_str());
  std::printf("  2. Move the folder to its machine: tapewarden-keyd run --config keyd.toml\n");
  std::printf(
      "  Everything is copied when the two meet: `tapewarden status` shows the lag until they are in "
      "step.\n");
  return 0;
}

int introduce(System& system, const IntroduceOptions& options) {
  const auto fingerprint = introduce(system.env(), options);
  if (!fingerprint) return report(fingerprint.error());
  std::printf("%s\n  fingerprint: %s\n\n", options.to.c_str(), fingerprint->c_str());
  std::printf(
      "It holds no secret. Bring it to the other server, read the fingerprint aloud to the people there (not "
      "by\nthe way that the file takes), and there:\n"
      "  tapewarden-keyd merge-with --config keyd.toml --file FILE --fingerprint \"%s\"\n",
      fingerprint->c_str());
  return 0;
}

int merge_with(System& system, const MergeOptions& options) {
  const auto made = merge_with(system.env(), options);
  if (!made) return report(made.error());
  std::printf("The certificates of %s (%s) are taken in.\n\nNext:\n", made->other.name.c_str(),
              made->other.server.text().c_str());
  std::printf("  1. Add these lines to %s:\n\n%s\n", options.config.c_str(), made->lines.c_str());
  std::printf(
      "  2. Do the same at the other server with this one's file (`tapewarden-keyd introduce`).\n"
      "  3. Start both again. When they meet everything is merged: `tapewarden status` shows the lag until "
      "they\n     are in step, then `tapewarden server conflicts` and `tapewarden server compare`.\n");
  return 0;
}

int renew(System& system, const RenewOptions& options) {
  const auto made = renew_site(system.env(), options);
  if (!made) return report(made.error());
  for (const auto& one : made->renewed) {
    std::printf("renewed until %s  %s\n", format_utc(one.certificate.not_after()).substr(0, 10).c_str(),
                one.path.c_str());
  }
  std::printf("%zu renewed, %zu live longer\n", made->renewed.size(), made->kept);
  for (const auto& path : made->foreign) {
    std::printf("left alone: %s was issued by another authority\n", path.c_str());
  }
  if (made->renewed.empty()) return 0;
  std::printf("\nNext:\n");
  std::printf("  Bring each file to where its program runs, and start key servers and engines again.\n");
  for (const auto& one : made->renewed) {
    if (one.kind == RenewedKind::kPerson) {
      std::printf("  tapewarden people modify %s --fingerprint %s\n", one.name.c_str(),
                  to_hex(one.certificate.fingerprint()).c_str());
    } else if (one.kind == RenewedKind::kDrive) {
      std::printf("  tapewarden drive-table modify %s --certificate %s\n", one.name.c_str(),
                  one.path.c_str());
    }
  }
  return 0;
}

int check(System& system, const std::string& path) {
  const auto config = read_keyd_config(system.disk, path);
  if (!config) return report(config.error());
  std::string warning;
  const auto master = unlock(system.env(), *config, warning);
  if (!master) return report(master.error());
  const auto text = check_keystore(system.env(), *config, *master);
  if (!text) return report(text.error());
  std::printf("%s\n", text->c_str());
  return 0;
}

int verify_audit(System& system, const AuditCheck& what) {
  const auto text = check_audit(system.env(), what);
  if (!text) return report(text.error());
  std::printf("%s\n", text->c_str());
  return 0;
}

int run(System& system, const std::string& path) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const auto config = read_keyd_config(system.disk, path);
  if (!config) return report(config.error());
  if (const auto level = set_log_level(config->log_level); !level) return report(level.error());
  std::string warning;
  std::unique_ptr<KeydServer> server;
  {
    const auto master = unlock(system.env(), *config, warning);
    if (!master) return report(master.error());
    if (!warning.empty()) log(LogLevel::kWarning, warning);
    std::vector<std::string> warnings;
    if (!warning.empty()) warnings.push_back(warning);
    auto started = KeydServer::start(system.env(), *config, *master, std::move(warnings));
    if (!started) return report(started.error());
    server = std::move(*started);
  }
  log(LogLevel::kInfo, "key server " + config->server_name + " ready: DKX " + config->dkx.address + ":" +
                           std::to_string(server->dkx_port()) + ", HTTPS " + config->https.address + ":" +
                           std::to_string(server->https_port()));
  int received = 0;
  sigwait(&signals, &received);
  log(LogLevel::kInfo, "stopping");
  server->stop();
  return 0;
}

int make_recovery_shares(System& system, const ShareOptions& options) {
  const auto paths = make_shares(system.env(), options);
  if (!paths) return report(paths.error());
  for (const auto& path : *paths) std::printf("%s\n", path.c_str());
  std::printf(
      "Any %u of them give the secret; fewer say nothing. Print each, give it to its custodian, delete the "
      "files.\n",
      options.needed);
  return 0;
}

int join_recovery_shares(System& system, const std::vector<std::string>& files, const std::string& to) {
  const auto joined = join_shares(system.env(), files, to);
  if (!joined) return report(joined.error());
  std::printf("The secret is in %s\n", to.c_str());
  return 0;
}

int print(const Result<std::string>& text) {
  if (!text) return report(text.error());
  std::printf("%s", text->c_str());
  return 0;
}

void add_backup_options(CLI::App& command, BackupFileOptions& options) {
  command.add_option("--from", options.from, "folder with .twb files");
  command.add_option("--file", options.file, "the newest file to take; unless given: the newest there is");
  command.add_option("--passphrase-file", options.passphrase_file, "of the backup; unless given: asked for");
  command.add_option("--recipient-key", options.recipient_key, "PEM: the private key of a recipient");
  command.add_option("--signer", options.signer, "SHA-256 of the server's signing certificate");
  command.add_option("--ca", options.authority, "PEM: the authority that issued it");
}

int start(int argc, char** argv) {
  // Blocked in every thread from the beginning, so that only sigwait() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  CLI::App app{"The Tapewarden key server"};
  app.set_version_flag("--version", TAPEWARDEN_VERSION);
  app.require_subcommand(1);
  std::string config;
  auto* run_command = app.add_subcommand("run", "Serve until SIGTERM");
  run_command->add_option("--config", config, "keyd.toml")->required();
  auto* check_command = app.add_subcommand("check", "Verify the keystore and audit of a stopped server");
  check_command->add_option("--config", config, "keyd.toml")->required();
  AuditCheck audit;
  auto* audit_command = app.add_subcommand("audit", "Work on an audit record's files");
  audit_command->require_subcommand(1);
  auto* verify_command = audit_command->add_subcommand(
      "verify", "Check an audit record by its files alone: no server, no master key");
  verify_command->add_option("PATH", audit.path, "a directory of audit files, or one of them")->required();
  verify_command->add_option("--certificate", audit.certificate, "the server's tls/signing.crt");
  verify_command->add_option("--against", audit.against, "a file of checkpoints that were noted elsewhere");
  SiteOptions site;
  std::string primary;
  std::string secondary;
  auto* site_command =
      app.add_subcommand("site-init", "Make a ready site: authority, two key servers, people");
  site_command->add_option("DIR", site.directory, "a new folder")->required();
  site_command->add_option("--name", site.name, "the site's name, for certificates and the recovery kit");
  site_command->add_option("--primary", primary, "HOST[:DKX-PORT[:HTTPS-PORT]]");
  site_command->add_option("--secondary", secondary, "HOST[:DKX-PORT[:HTTPS-PORT]]");
  site_command->add_option("--listen", site.listen, "address that both listen on");
  RenewOptions renewal;
  int within = 90;
  auto* renew_command =
      app.add_subcommand("site-renew", "Give the certificates of a site's folder two years more");
  renew_command->add_option("DIR", renewal.directory, "the site's folder, or the folder of one server")
      ->required();
  renew_command->add_option("--ca", renewal.authority,
                            "folder with authority.crt and authority.key; DIR/ca unless given");
  renew_command->add_option("--within", within, "days: renew what runs out before; 90 unless given")
      ->check(CLI::Range(1, 36500));
  renew_command->add_flag("--all", renewal.all, "renew every one");
  ShareOptions sharing;
  std::vector<std::string> share_files;
  std::string joined_file;
  auto* shares_command =
      app.add_subcommand("shares", "Give a passphrase to several custodians, and take it back");
  shares_command->require_subcommand(1);
  auto* make_shares_command =
      shares_command->add_subcommand("make", "Split a passphrase into recovery shares");
  make_shares_command->add_option("--secret-file", sharing.secret_file, "file whose first line is shared")
      ->required();
  make_shares_command->add_option("--name", sharing.name, "what it opens, for the custodians")->required();
  make_shares_command->add_option("--need", sharing.needed, "how many shares give it back; 3 unless given");
  make_shares_command->add_option("--of", sharing.count, "how many are made, at most 16; 5 unless given");
  make_shares_command->add_option("--to", sharing.directory, "a new folder for the files to print")
      ->required();
  auto* join_shares_command = shares_command->add_subcommand("join", "Bring the passphrase back");
  join_shares_command->add_option("FILE", share_files, "shares, as they were made or typed in from paper")
      ->required();
  join_shares_command->add_option("--to", joined_file, "a new file for the passphrase")->required();
  RestoreCommand restore;
  auto* restore_command =
      app.add_subcommand("restore", "Make a key server's folder out of its backups, on a bare machine");
  add_backup_options(*restore_command, restore.backup);
  restore_command->add_option("--to", restore.to, "the server's new folder")->required();
  restore_command->add_option("--new-passphrase-file", restore.new_passphrase_file,
                              "of the new master key; unless given: asked for");
  restore_command->add_option("--tombstones", restore.tombstones,
                              "further folders or files: keys destroyed there stay destroyed");
  BackupFileOptions verify;
  std::string scratch = "/tmp";
  auto* verify_backup_command =
      app.add_subcommand("verify-backup", "Prove that backup files restore, without a server");
  add_backup_options(*verify_backup_command, verify);
  verify_backup_command->add_option("--scratch", scratch,
                                    "folder for the scratch restore; /tmp unless given");
  SecondaryOptions second;
  std::string second_address;
  auto* second_command = app.add_subcommand("add-secondary", "Make a second server for one that runs alone");
  second_command->add_option("--config", second.primary_config, "the keyd.toml of the server that is there")
      ->required();
  second_command->add_option("--ca", second.authority, "folder with authority.crt and authority.key")
      ->required();
  second_command->add_option("--dir", second.directory, "where the new server's folder is made")->required();
  second_command->add_option("--name", second.name, "the new server's name");
  second_command->add_option("--host", second_address, "HOST[:DKX-PORT[:HTTPS-PORT]] of the new server");
  second_command->add_option("--primary-host", second.primary_host, "how the new server reaches the other");
  IntroduceOptions introduction;
  auto* introduce_command = app.add_subcommand(
      "introduce", "Write this server's join file, for a server that shall become its peer");
  introduce_command->add_option("--config", introduction.config, "this server's keyd.toml")->required();
  introduce_command->add_option("--host", introduction.host,
                                "HOST[:HTTPS-PORT], as the other server reaches this one");
  introduce_command->add_option("--to", introduction.to, "the new file")->required();
  MergeOptions merge;
  auto* merge_command = app.add_subcommand(
      "merge-with", "Make a server of another installation the peer of this one; both are merged");
  merge_command->add_option("--config", merge.config, "this server's keyd.toml")->required();
  merge_command->add_option("--file", merge.file, "the other server's join file")->required();
  merge_command->add_option("--fingerprint", merge.fingerprint, "of that file, as it was read aloud there")
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }

  const std::string heap_warning = crypto::harden_process(kSecureHeapBytes);
  if (!heap_warning.empty()) log(LogLevel::kWarning, heap_warning);
  crypto::on_secrets_not_locked([] { log(LogLevel::kWarning, std::string(kSecretsNotLocked)); });
  if (const auto tested = crypto::run_self_test(); !tested) return report(tested.error());
  System system;
  if (site_command->parsed()) return site_init(system, site, primary, secondary);
  if (make_shares_command->parsed()) return make_recovery_shares(system, sharing);
  if (join_shares_command->parsed()) return join_recovery_shares(system, share_files, joined_file);
  renewal.within = std::chrono::days(within);
  if (renew_command->parsed()) return renew(system, renewal);
  if (second_command->parsed()) return add_secondary(system, second, second_address);
  if (introduce_command->parsed()) return introduce(system, introduction);
  if (merge_command->parsed()) return merge_with(system, merge);
  if (audit_command->parsed()) return verify_audit(system, audit);
  if (restore_command->parsed()) return print(restore_site(system.env(), restore));
  if (verify_backup_command->parsed()) return print(verify_backup(system.env(), verify, scratch));
  return check_command->parsed() ? check(system, config) : run(system, config);
}

}  // namespace
}  // namespace tapewarden::apps

int main(int argc, char** argv) {
  return tapewarden::apps::start(argc, argv);
}

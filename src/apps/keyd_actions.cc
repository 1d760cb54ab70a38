#include "apps/keyd_actions.h"

#include <algorithm>
#include <cstdio>
#include <signal.h>
#include <thread>

#include "apps/keyd_server.h"
#include "apps/log.h"
#include "apps/open_files.h"
#include "base/text.h"
#include "keymgr/custody/backup/restore.h"
#include "net/limits.h"

namespace tapewarden::apps {

System::System() : pool(std::make_unique<ThreadPool>(std::max(2U, std::thread::hardware_concurrency()))) {}

int report(const Error& error) {
  std::fprintf(stderr, "tapewarden-keyd: %s\n", error.text().c_str());
  if (error.field == keymgr::backup::kIncomplete) return kExitIncomplete;
  if (error.code == ErrorCode::kCorrupt) return kExitDamaged;
  return error.code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

namespace {

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

int print(const Result<std::string>& text) {
  if (!text) return report(text.error());
  std::printf("%s", text->c_str());
  return 0;
}

}  // namespace

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
  const bool people =
      std::ranges::any_of(made->renewed, [](const auto& one) { return one.kind == RenewedKind::kPerson; });
  if (people) {
    std::printf(
        "  Log in by a password for what follows (tapewarden login --server https://HOST:PORT --ca FILE "
        "--user NAME): the accounts\n  still name the certificates before.\n");
  }
  for (const auto& one : made->renewed) {
    if (one.kind == RenewedKind::kProxy) {
      for (const auto& serial : made->spoken_for) {
        std::printf("  tapewarden proxy allow %s --name %s --certificate %s\n", serial.c_str(),
                    one.name.c_str(), one.path.c_str());
      }
    } else if (one.kind == RenewedKind::kPerson) {
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
  const auto text = check_keystore(system.env(), *config, (*master)->keys());
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

namespace {

// DKX and HTTPS let in as many as net/ does unless told otherwise; of these KMIP's alone are configured.
OpenFilesNeeded open_files_needed(const KeydConfig& config) {
  constexpr std::uint64_t kOwn = 1024;  // keystore, audit, backups, and some drives and people
  const std::uint64_t kmip = config.kmip ? config.kmip->connections : 0;
  const std::uint64_t others = 2ULL * net::ServerLimits().max_sessions;
  return {kmip + kOwn, kmip + kOwn + others, "kmip.connections", "lower it"};
}

}  // namespace

int run(System& system, const std::string& path) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const auto config = read_keyd_config(system.disk, path);
  if (!config) return report(config.error());
  if (const auto level = set_log_level(config->log_level); !level) return report(level.error());
  const auto files = allow_open_files(open_files_needed(*config));
  if (!files) return report(files.error());
  std::vector<std::string> warnings;
  if (!files->empty()) warnings.push_back(*files);
  std::string warning;
  std::unique_ptr<KeydServer> server;
  {
    auto master = unlock(system.env(), *config, warning);
    if (!master) return report(master.error());
    if (!warning.empty()) warnings.push_back(warning);
    for (const auto& text : warnings) log(LogLevel::kWarning, text);
    auto started = KeydServer::start(system.env(), *config, std::move(*master), std::move(warnings));
    if (!started) return report(started.error());
    server = std::move(*started);
  }
  log(LogLevel::kInfo,
      "key server " + config->server_name + " ready: DKX " + config->dkx.address + ":" +
          std::to_string(server->dkx_port()) + ", HTTPS " + config->https.address + ":" +
          std::to_string(server->https_port()) +
          (config->kmip ? ", KMIP " + config->kmip->listen.address + ":" + std::to_string(server->kmip_port())
                        : std::string()) +
          (server->kmip_https_port() != 0 ? ", KMIP over HTTPS :" + std::to_string(server->kmip_https_port())
                                          : std::string()));
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

int change_passphrase(System& system, const PassphraseChange& change) {
  return print(change_passphrase(system.env(), change));
}

int restore(System& system, const RestoreCommand& command) {
  return print(restore_site(system.env(), command));
}

int verify(System& system, const BackupFileOptions& backup, const std::string& scratch) {
  return print(verify_backup(system.env(), backup, scratch));
}

}  // namespace tapewarden::apps

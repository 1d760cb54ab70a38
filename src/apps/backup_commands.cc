#include "apps/backup_commands.h"

#include "apps/backup_site.h"
#include "apps/keyd_parts.h"
#include "apps/terminal_secret.h"
#include "keymgr/custody/backup/limits.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/custody/backup/verification.h"
#include "store/master_key.h"

namespace tapewarden::apps {

namespace {

using keymgr::backup::KeyCounts;
using keymgr::backup::Opener;
using keymgr::backup::SignerTrust;

constexpr std::size_t kPemLimit = 256U << 10;

std::string describe(const KeyCounts& keys) {
  return std::to_string(keys.data_keys) + " data keys and " + std::to_string(keys.keks) +
         " KEKs opened and compared, " + std::to_string(keys.destroyed) + " destroyed";
}

std::string absolute(const std::string& path) {
  return path.empty() || path.front() == '/' ? path : std::string();
}

}  // namespace

Result<Opener> backup_opener(Env env, const BackupFileOptions& options) {
  if (!options.recipient_key.empty() && !options.passphrase_file.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a passphrase and a private key", "recipient-key",
                "give one of them");
  }
  if (!options.recipient_key.empty()) {
    Bytes pem = TRY(read_file(*env.disk, options.recipient_key, kPemLimit));
    const auto secret = crypto::SecretBytes::copy_of(pem);
    crypto::wipe(pem);
    return Opener(TRY(crypto::PrivateKey::from_pem(secret)));
  }
  if (!options.passphrase_file.empty()) {
    return Opener(TRY(store::read_passphrase_file(*env.disk, options.passphrase_file)));
  }
  return Opener(TRY(ask_secret("passphrase of the backup", "passphrase-file")));
}

Result<SignerTrust> backup_trust(Env env, const BackupFileOptions& options) {
  SignerTrust trust;
  if (!options.signer.empty()) trust.fingerprint = TRY(keymgr::backup::parse_fingerprint(options.signer));
  if (!options.authority.empty()) {
    const Bytes pem = TRY(read_file(*env.disk, options.authority, kPemLimit));
    trust.authorities = TRY(crypto::Certificate::list_from_pem(as_text(pem)));
  }
  return trust;
}

Result<std::string> restore_site(Env env, const RestoreCommand& command) {
  for (const auto* path : {&command.to, &command.new_passphrase_file}) {
    if (!path->empty() && absolute(*path).empty()) {
      return fail(ErrorCode::kInvalidArgument, *path + " is no absolute path",
                  path == &command.to ? "to" : "new-passphrase-file", "give a path that begins with /");
    }
  }
  Opener opener = TRY(backup_opener(env, command.backup));
  const auto new_passphrase =
      command.new_passphrase_file.empty()
          ? TRY(ask_new_secret("passphrase of the new master key", "new-passphrase-file"))
          : TRY(store::read_passphrase_file(*env.disk, command.new_passphrase_file));
  if (new_passphrase.size() < keymgr::backup::kShortestPassphrase) {
    return fail(ErrorCode::kInvalidArgument,
                "the passphrase of the new master key has fewer than 12 characters", "new-passphrase-file",
                "take five or more random words");
  }
  keymgr::backup::RestoreOptions options;
  options.from = command.backup.from;
  options.file = command.backup.file;
  options.opener = &opener;
  options.trust = TRY(backup_trust(env, command.backup));
  options.to = command.to;
  options.new_passphrase = &new_passphrase;
  options.tombstones = command.tombstones;
  options.tables = keyd_tables();
  std::string note;
  options.write_site = [&](const std::string& folder, const keymgr::backup::FileHeader&,
                           std::vector<keymgr::backup::SiteFile> files) -> Status {
    note = TRY(write_restored_site(env, folder, std::move(files), command.new_passphrase_file));
    return {};
  };
  const auto report = TRY(keymgr::backup::restore(env, options));
  std::string text = "restored " + report.newest.server_name + " (" + report.newest.server.text() +
                     ") into " + command.to + "\n  from " + std::to_string(report.files) +
                     " files, the newest made at " + format_utc(report.newest.created) + ", up to commit " +
                     std::to_string(report.mark.sequence) + "\n  signed by " + report.signer.subject() +
                     ", SHA-256 " + to_hex(report.signer.fingerprint()) + "\n  " + describe(report.keys) +
                     "\n  new epoch " + std::to_string(report.epoch) + "; " +
                     std::to_string(report.made_read_only) +
                     " unused use-once keys are read-only now: the old server may have used them since\n";
  if (report.audit_lines > 0) {
    text += "  " + std::to_string(report.audit_lines) + " lines of the old audit record lie in data/\n";
  }
  if (report.kept_destroyed > 0) {
    text += "  " + std::to_string(report.kept_destroyed) + " keys stay destroyed or compromised\n";
  }
  for (const std::string& warning : report.warnings) text += "  warning: " + warning + "\n";
  if (!note.empty()) text += "  " + note + "\n";
  return text + "Next: tapewarden-keyd run --config " + command.to + "/keyd.toml\n";
}

Result<std::string> verify_backup(Env env, const BackupFileOptions& options, const std::string& scratch) {
  Opener opener = TRY(backup_opener(env, options));
  const SignerTrust trust = TRY(backup_trust(env, options));
  const auto picked = TRY(keymgr::backup::pick_chain(*env.disk, options.from, options.file));
  const auto keys = [&](const keymgr::backup::FoundFile& file) { return opener.open(file.header); };
  const auto proof = TRY(
      keymgr::backup::prove_restorable(env, picked.chain, keys, trust, keyd_tables(),
                                       scratch + "/tapewarden-verify-" + Uuid::random(*env.random).text()));
  const auto& newest = picked.chain.newest();
  std::string text =
      "restorable: " + newest.server_name + " (" + newest.server.text() + "), epoch " +
      std::to_string(newest.epoch) + ", up to commit " + std::to_string(proof.replayed.mark.sequence) +
      " of " + format_utc(newest.created) + "\n  " + std::to_string(proof.files) + " files, " +
      std::to_string(proof.replayed.bytes) + " bytes, " + std::to_string(proof.replayed.rows) + " rows\n  " +
      describe(proof.replayed.keys) + "\n  signed by " + proof.replayed.signer.subject() + ", SHA-256 " +
      to_hex(proof.replayed.signer.fingerprint()) + "\n";
  for (const std::string& warning : picked.warnings) text += "  warning: " + warning + "\n";
  return text;
}

}  // namespace tapewarden::apps

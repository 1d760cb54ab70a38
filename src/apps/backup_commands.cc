#include "apps/backup_commands.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "apps/backup_site.h"
#include "apps/keyd_parts.h"
#include "apps/kit_passphrase.h"
#include "apps/terminal_secret.h"
#include "base/counted.h"
#include "crypto/new_passphrase.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/custody/backup/verification.h"
#include "store/master_key.h"

namespace tapewarden::apps {

namespace {

using keymgr::backup::FileHeader;
using keymgr::backup::KeyCounts;
using keymgr::backup::Opener;
using keymgr::backup::PickedChain;
using keymgr::backup::SignerTrust;

constexpr std::size_t kPemLimit = 256U << 10;

std::string describe(const KeyCounts& keys) {
  return counted(keys.data_keys, "data key") + " and " + counted(keys.keks, "KEK") +
         " opened and compared, " + std::to_string(keys.destroyed) + " destroyed";
}

std::string absolute(const std::string& path) {
  if (path.empty()) return path;
  std::string out = std::filesystem::absolute(path).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

// A file that is no PEM is named: the parser knows nothing of it.
Result<Bytes> read_pem(Env env, const std::string& path, const std::string& field) {
  Bytes pem = TRY(read_file(*env.disk, path, kPemLimit));
  if (as_text(pem).contains("-----BEGIN ")) return pem;
  crypto::wipe(pem);
  return fail(ErrorCode::kInvalidArgument, path + " holds nothing in PEM", field,
              "give the file that begins with -----BEGIN, for example ca/authority.crt of the site");
}

template <typename T>
Result<T> of_file(const std::string& path, const std::string& field, Result<T> parsed) {
  if (parsed) return parsed;
  Error error = std::move(parsed).error();
  error.message = path + ": " + error.message;
  error.field = field;
  if (error.remedy.empty()) error.remedy = "give the whole file, in PEM, as it was made";
  return std::unexpected(std::move(error));
}

Result<crypto::SecretBytes> check_new_passphrase(crypto::SecretBytes passphrase) {
  TRY(crypto::check_new_passphrase(passphrase, "the passphrase of the new master key",
                                   "new-passphrase-file"));
  return passphrase;
}

// What is to be restored, after all that can be known without a secret has been looked at.
Result<PickedChain> checked_chain(Env env, const BackupFileOptions& options, const SignerTrust& trust) {
  auto picked = TRY(keymgr::backup::pick_chain(*env.disk, options.from, options.file));
  if (!options.incomplete) TRY(keymgr::backup::require_complete(picked));
  TRY(keymgr::backup::check_chain(*env.disk, picked.chain, trust));
  return picked;
}

std::string told(const std::vector<std::string>& missing, const std::vector<std::string>& warnings) {
  std::string text;
  for (const std::string& one : missing) text += "  INCOMPLETE: " + one + "\n";
  for (const std::string& one : warnings) {
    if (std::ranges::find(missing, one) == missing.end()) text += "  warning: " + one + "\n";
  }
  return text;
}

}  // namespace

Result<Opener> backup_opener(Env env, const BackupFileOptions& options, const FileHeader& header) {
  if (!options.recipient_key.empty() && !options.passphrase_file.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a passphrase and a private key", "recipient-key",
                "give one of them");
  }
  if (!options.recipient_key.empty()) {
    Bytes pem = TRY(read_pem(env, options.recipient_key, "recipient-key"));
    const auto secret = crypto::SecretBytes::copy_of(pem);
    crypto::wipe(pem);
    Opener opener(TRY(of_file(options.recipient_key, "recipient-key", crypto::PrivateKey::from_pem(secret))));
    (void)TRY(opener.open(header));
    return opener;
  }
  auto typed = options.passphrase_file.empty()
                   ? TRY(ask_secret("passphrase of the backup", "passphrase-file"))
                   : TRY(store::read_passphrase_file(*env.disk, options.passphrase_file));
  std::optional<Opener> opener;
  (void)TRY(fitting_passphrase(std::move(typed), [&](const crypto::SecretBytes& passphrase) -> Status {
    opener.emplace(crypto::SecretBytes::copy_of(passphrase.reveal()));
    (void)TRY(opener->open(header));
    return {};
  }));
  return *std::move(opener);
}

Result<SignerTrust> backup_trust(Env env, const BackupFileOptions& options) {
  SignerTrust trust;
  if (!options.signer.empty()) trust.fingerprint = TRY(keymgr::backup::parse_fingerprint(options.signer));
  if (!options.authority.empty()) {
    const Bytes pem = TRY(read_pem(env, options.authority, "ca"));
    trust.authorities =
        TRY(of_file(options.authority, "ca", crypto::Certificate::list_from_pem(as_text(pem))));
  }
  return trust;
}

Result<std::string> restore_site(Env env, const RestoreCommand& command) {
  const std::string to = absolute(command.to);
  const std::string passphrase_file = absolute(command.new_passphrase_file);
  const SignerTrust trust = TRY(backup_trust(env, command.backup));
  TRY(keymgr::backup::check_restore_target(*env.disk, to));
  std::optional<crypto::SecretBytes> from_file;
  if (!passphrase_file.empty()) {
    from_file = TRY(check_new_passphrase(TRY(store::read_passphrase_file(*env.disk, passphrase_file))));
  }
  const PickedChain picked = TRY(checked_chain(env, command.backup, trust));
  Opener opener = TRY(backup_opener(env, command.backup, picked.chain.newest()));
  const auto new_passphrase = from_file ? *std::move(from_file)
                                        : TRY(check_new_passphrase(TRY(ask_new_secret(
                                              "passphrase of the new master key", "new-passphrase-file"))));
  keymgr::backup::RestoreOptions options;
  options.from = command.backup.from;
  options.file = command.backup.file;
  options.opener = &opener;
  options.incomplete = command.backup.incomplete;
  options.trust = trust;
  options.to = to;
  options.new_passphrase = &new_passphrase;
  options.tombstones = command.tombstones;
  options.tables = keyd_tables();
  std::string note;
  options.write_site = [&](const std::string& folder, const keymgr::backup::FileHeader&,
                           std::vector<keymgr::backup::SiteFile> files) -> Status {
    note = TRY(write_restored_site(env, folder, std::move(files), passphrase_file));
    return {};
  };
  const auto report = TRY(keymgr::backup::restore(env, options));
  std::string text = "restored " + report.newest.server_name + " (" + report.newest.server.text() +
                     ") into " + to + "\n  from " + std::to_string(report.files) +
                     " files, the newest made at " + format_utc(report.newest.created) + ", up to commit " +
                     std::to_string(report.mark.sequence) + "\n  signed by " + report.signer.subject() +
                     ", SHA-256 " + to_hex(report.signer.fingerprint()) + "\n  " + describe(report.keys) +
                     "\n  new epoch " + std::to_string(report.epoch) + "; " +
                     counted(report.made_read_only, "unused use-once key") +
                     " made read-only: the old server may have used them since\n";
  if (report.audit_lines > 0) {
    text += "  " + counted(report.audit_lines, "line") + " of the old audit record, in data/\n";
  }
  if (report.kept_destroyed > 0) {
    text += "  " + counted(report.kept_destroyed, "key") + " destroyed or compromised as before\n";
  }
  text += told(picked.missing, report.warnings);
  if (!note.empty()) text += "  " + note + "\n";
  return text + "Next: tapewarden-keyd run --config " + to + "/keyd.toml\n";
}

Result<std::string> verify_backup(Env env, const BackupFileOptions& options, const std::string& scratch) {
  const SignerTrust trust = TRY(backup_trust(env, options));
  const PickedChain picked = TRY(checked_chain(env, options, trust));
  Opener opener = TRY(backup_opener(env, options, picked.chain.newest()));
  const auto keys = [&](const keymgr::backup::FoundFile& file) { return opener.open(file.header); };
  const auto proof = TRY(
      keymgr::backup::prove_restorable(env, picked.chain, keys, trust, keyd_tables(),
                                       scratch + "/tapewarden-verify-" + Uuid::random(*env.random).text()));
  const auto& newest = picked.chain.newest();
  std::string text = "restorable: " + newest.server_name + " (" + newest.server.text() + "), epoch " +
                     std::to_string(newest.epoch) + ", up to commit " +
                     std::to_string(proof.replayed.mark.sequence) + " of " + format_utc(newest.created) +
                     "\n  " + counted(proof.files, "file") + ", " + counted(proof.replayed.bytes, "byte") +
                     ", " + counted(proof.replayed.rows, "row") + "\n  " + describe(proof.replayed.keys) +
                     "\n  signed by " + proof.replayed.signer.subject() + ", SHA-256 " +
                     to_hex(proof.replayed.signer.fingerprint()) + "\n";
  return text + told(picked.missing, picked.warnings);
}

}  // namespace tapewarden::apps

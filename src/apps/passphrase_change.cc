#include "apps/passphrase_change.h"

#include "apps/keyd_config.h"
#include "apps/keyd_server.h"
#include "apps/kit_passphrase.h"
#include "apps/terminal_secret.h"
#include "crypto/new_passphrase.h"

namespace tapewarden::apps {

namespace {

Result<crypto::SecretBytes> new_passphrase(Env env, const std::string& file) {
  auto out = file.empty() ? TRY(ask_new_secret("new passphrase of the master key", "new-passphrase-file"))
                          : TRY(store::read_passphrase_file(*env.disk, file));
  TRY(crypto::check_new_passphrase(out, "the new passphrase", "new-passphrase-file"));
  return out;
}

// What unlocks the server by itself still holds the old one.
std::string next_steps(const KeydConfig& config) {
  std::string out = "Next:\n";
  if (!config.credential.empty()) {
    out += "  put the new passphrase into the credential " + config.credential + "\n";
  } else if (!config.passphrase_file.empty()) {
    out += "  put the new passphrase into " + config.passphrase_file + "\n";
  }
  return out +
         "  give the custodians new shares of it (tapewarden-keyd shares make), and strike the old one in "
         "the "
         "recovery kit\n  an old copy of the file still opens with the old passphrase: if that one is known "
         "to somebody, start the server and rotate the master key\n";
}

}  // namespace

Result<std::string> change_passphrase(Env env, const PassphraseChange& change) {
  const KeydConfig config = TRY(read_keyd_config(*env.disk, change.config));
  const auto lock = env.disk->lock(config.keystore_path() + ".lock");
  if (!lock) {
    if (lock.error().code != ErrorCode::kConflict) return std::unexpected(lock.error());
    return fail(ErrorCode::kConflict, "the server runs", "config",
                "stop it first: its keystore must be closed");
  }
  std::string warning;
  auto file = change.passphrase_file.empty()
                  ? TRY(unlock(env, config, warning))
                  : TRY(open_master_key(env, config.master_key_file,
                                        TRY(store::read_passphrase_file(*env.disk, change.passphrase_file))));
  const auto fresh = TRY(new_passphrase(env, change.new_passphrase_file));
  if (store::unlock_master_key(*env.disk, config.master_key_file, fresh)) {
    return fail(ErrorCode::kInvalidArgument, "the new passphrase is the old one", "new-passphrase-file",
                "choose another one");
  }
  TRY(file->change_passphrase(fresh));
  // Read back, before anybody throws the old one away.
  (void)TRY(store::unlock_master_key(*env.disk, config.master_key_file, fresh));
  return "The new passphrase opens " + config.master_key_file + "\n" + next_steps(config);
}

}  // namespace tapewarden::apps

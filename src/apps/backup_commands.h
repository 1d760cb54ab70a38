// `tapewarden-keyd restore` and `tapewarden-keyd verify-backup`: what works on backup files without a server.
#pragma once

#include <string>
#include <vector>

#include "base/env.h"
#include "keymgr/custody/backup/seal.h"
#include "keymgr/custody/backup/signer_trust.h"

namespace tapewarden::apps {

struct BackupFileOptions {
  std::vector<std::string> from;  // folders
  std::string file;               // the newest file to take
  std::string passphrase_file;    // of the backup; or
  std::string recipient_key;      // PEM of a recipient's private key; neither: the passphrase is asked for
  std::string signer;             // fingerprint; or
  std::string authority;          // PEM
  bool incomplete = false;        // also when files show that later commits are missing
};

// What opens the files, of which `header` is one: asks for the passphrase when neither it nor a private key
// is given. kWrongKey at once.
Result<keymgr::backup::Opener> backup_opener(Env env, const BackupFileOptions& options,
                                             const keymgr::backup::FileHeader& header);
// Without a named signer nobody is trusted: the error then shows the fingerprint to compare.
Result<keymgr::backup::SignerTrust> backup_trust(Env env, const BackupFileOptions& options);

struct RestoreCommand {
  BackupFileOptions backup;
  std::string to;
  std::string new_passphrase_file;  // of the new master key; empty: asked for
  std::vector<std::string> tombstones;
};

// A text for people.
Result<std::string> restore_site(Env env, const RestoreCommand& command);
// Restores into a scratch folder below `scratch` and tells what was proved.
Result<std::string> verify_backup(Env env, const BackupFileOptions& options, const std::string& scratch);

}  // namespace tapewarden::apps

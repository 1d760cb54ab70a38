// Where `tapewarden-rescue` looks for keys, as its arguments say.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/backup_commands.h"
#include "rescue/key_wanted.h"

namespace tapewarden::apps {

struct RescueOptions {
  std::vector<std::string> keks;    // files: PEM or PKCS#12
  std::string kek_passphrase_file;  // of all of them; empty: asked for when one needs it
  BackupFileOptions backup;
  std::string server;                  // a key server's folder, or a copy of it
  std::string server_passphrase_file;  // of its master key; empty: asked for
  std::string scratch = "/tmp";        // where a keystore is laid out for looking; sealed, and removed again
};

// One for each place that is named. kInvalidArgument when none is, and what a place's files say.
Result<std::vector<std::unique_ptr<rescue::KeySource>>> rescue_sources(Env env, const RescueOptions& options);

}  // namespace tapewarden::apps

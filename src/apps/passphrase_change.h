// `tapewarden-keyd passphrase change`: another passphrase for the master-key file of a stopped server. One
// thread.
#pragma once

#include <string>

#include "base/env.h"

namespace tapewarden::apps {

struct PassphraseChange {
  std::string config;               // keyd.toml
  std::string passphrase_file;      // the present one; empty: as `run` takes it
  std::string new_passphrase_file;  // the first line; empty: asked for
};

// Replaces the file atomically: the old passphrase opens it or the new one does, never neither. A text for
// people with what is left to do. kConflict while the server runs; kWrongKey; kInvalidArgument for a
// passphrase that is too short or the same.
Result<std::string> change_passphrase(Env env, const PassphraseChange& change);

}  // namespace tapewarden::apps

// What is remembered between two commands: for the key servers and for the tape engine one login each, with
// the server, whom to trust for it, and the session's token. Files of mode 0600 in the user's configuration
// directory: login-KIND.json and token-KIND. Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "cli/server_kind.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

struct SavedLogin {
  ServerKind kind = ServerKind::kKeyServer;
  std::string server;       // URL
  std::string name;         // of the person
  std::string authorities;  // PEM
  crypto::SecretBytes token;
};

// Takes the place of the one of its kind.
Status save_login(Disk& disk, const std::string& directory, const SavedLogin& login);
// `kind`: nothing for either, the key server's first. kUnauthenticated when nobody has logged in; the remedy
// says so for one who is logged in to the other kind alone.
Result<SavedLogin> load_login(Disk& disk, const std::string& directory, std::optional<ServerKind> kind);
// Forgets the token of that kind; the server stays known.
Status forget_login(Disk& disk, const std::string& directory, ServerKind kind);

}  // namespace tapewarden::cli

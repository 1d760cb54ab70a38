// What is remembered between two commands: the server, whom to trust for it, and the session's token. Two
// files of mode 0600 in the user's configuration directory: login.json and token. Not thread-safe.
#pragma once

#include <string>

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

struct SavedLogin {
  std::string server;       // URL
  std::string name;         // of the person
  std::string authorities;  // PEM
  crypto::SecretBytes token;
};

Status save_login(Disk& disk, const std::string& directory, const SavedLogin& login);
// kUnauthenticated when nobody has logged in.
Result<SavedLogin> load_login(Disk& disk, const std::string& directory);
// Forgets the token; the server stays known.
Status forget_login(Disk& disk, const std::string& directory);

}  // namespace tapewarden::cli

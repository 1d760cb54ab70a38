// What a command works with: the system, the two output streams, the terminal, and the global options. Made
// once in run(); tests make their own. One thread at a time.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

inline constexpr std::size_t kSecretFileLimit = 4096;     // bytes
inline constexpr std::size_t kInputFileLimit = 3U << 20;  // bytes: what the server takes in one field

struct Globals {
  bool json = false;
  std::string server;  // URL; empty: that of the last login
  std::string site;    // a site's directory: trust its authority, log in with the certificate of `as`
  std::string as;
  std::string approval;  // the id of a second person's consent
};

class Context {
 public:
  Env env;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  // Asks at the terminal without echo. kUnavailable without a terminal.
  std::function<Result<crypto::SecretBytes>(std::string_view question)> ask_secret;
  // A question that is answered with yes or no at the terminal; false without one. Empty: nobody can be
  // asked.
  std::function<bool(std::string_view question)> confirm;
  // Long work tells how far it is; empty when nobody watches.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  std::string config_directory;  // where the session is kept: ~/.config/tapewarden
  Globals globals;
};

// A secret from a file, without the line end at its end. kInvalidArgument when it is empty or too long.
Result<crypto::SecretBytes> read_secret_file(Disk& disk, const std::string& path);

}  // namespace tapewarden::cli

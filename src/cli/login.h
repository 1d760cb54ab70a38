// Logging in to a server. Free functions; one thread at a time.
#pragma once

#include <string>

#include "cli/rest_client.h"
#include "cli/server_kind.h"

namespace tapewarden::cli {

inline constexpr std::string_view kDefaultServer = "https://127.0.0.1:1443";

struct LoggedIn {
  std::string name;
  std::string role;
  ServerKind kind = ServerKind::kKeyServer;  // who answered
  crypto::SecretBytes token;
};

Result<LoggedIn> log_in_with_certificate(RestClient& client);
Result<LoggedIn> log_in_with_password(RestClient& client, const std::string& name,
                                      const crypto::SecretBytes& password);
// --server: a URL, or with --site the name of a key server there, or "engine". Without it the site's primary
// server, or the address that one has by default.
Result<std::string> server_of_site(const Context& context);

}  // namespace tapewarden::cli

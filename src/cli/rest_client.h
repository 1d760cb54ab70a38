// Requests to one server over HTTPS, with a session's token. Blocks; one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/context.h"
#include "cli/server_kind.h"
#include "crypto/certificate.h"
#include "net/http.h"

namespace tapewarden::cli {

// Error::detail of a call that was not done, because a second person must consent first.
inline constexpr std::uint32_t kApprovalAwaited = 202;

struct ServerAddress {
  std::string host;
  std::uint16_t port = 1443;
};
// https://HOST[:PORT], the scheme may be left out; IPv6 in brackets. kInvalidArgument naming "server".
Result<ServerAddress> parse_server(std::string_view url);

// Whom to trust, and the own certificate where there is one.
struct Credentials {
  std::string authorities;  // PEM
  std::vector<crypto::Certificate> chain;
  crypto::PrivateKey key;
};
// Of a site's directory: ca/authority.crt, and people/NAME/client.crt and client.key.
Result<Credentials> site_credentials(Disk& disk, const std::string& directory, const std::string& name);

// How long the answer to a call is waited for: two minutes, and an hour where the server's work grows with
// what it is asked for (100,000 keys, a backup, an import).
std::chrono::milliseconds patience_for(std::string_view method, std::string_view target);

class RestClient {
 public:
  static Result<RestClient> make(const std::string& server, const Credentials& credentials);

  void set_token(crypto::SecretBytes token) { token_ = std::move(token); }
  const crypto::SecretBytes& token() const { return token_; }
  // The answer's body. An error answer of the server becomes the Error that it tells, its origin in the
  // message; others as net::HttpClient. `body` is JSON, or empty; wiped when it was sent.
  // An answer that says that a second person was asked is an error too, with kApprovalAwaited as its detail.
  // kTimeout after patience_for(), though the server may go on with what it was asked.
  // `approval`: the id of one that was given, or empty.
  Result<Bytes> call(std::string_view method, const std::string& target, Bytes body = {},
                     const std::string& approval = {});

  // What the server answered to the last call that awaits an approval: JSON with its id; empty without one.
  const Bytes& asked() const { return asked_; }

 private:
  RestClient() = default;

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::HttpClient> client_;
  crypto::SecretBytes token_;
  Bytes asked_;
};

// A client for this command: by --site and --as with a login of its own, else by what `login` kept for
// servers of that kind. `own_session`: the caller ends it with end_session().
struct Connection {
  RestClient client;
  bool own_session = false;
};
// `kind`: whom the command is for; nothing when both answer it. kInvalidArgument naming --server when the one
// named there is of the other kind.
Result<Connection> connect(Context& context, std::optional<ServerKind> kind = ServerKind::kKeyServer);
void end_session(Connection& connection);

}  // namespace tapewarden::cli

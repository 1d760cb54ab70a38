// hello: the first request on a connection, and again whenever single-use nonces run low. Unsigned; the
// answer is signed over the client's challenge like every answer, so it cannot be replayed. Values.
#pragma once

#include <compare>
#include <optional>
#include <vector>

#include "base/env.h"
#include "dkx/types.h"

namespace tapewarden::dkx {

struct HelloRequest {
  std::vector<Version> versions;  // 1 to kMaxVersions that the client speaks, best first
  Nonce challenge{};              // 32 random bytes
  std::uint8_t nonces = 1;        // wanted, 0 to kMaxNonces
  friend bool operator==(const HelloRequest&, const HelloRequest&) = default;
};

enum class ServerState : std::uint8_t {
  kServing = 1,
  kReadsOnly = 2,   // gives out keys for reading, not for writing; the text says why
  kNotServing = 3,  // starting, locked or shutting down
};
std::string_view to_string(ServerState state);  // "serving"

// The newest commit of the server's keystore, in the epoch that the server acts in. Within an epoch commits
// only grow; a server restored from an older copy is in a later epoch.
struct ServerHead {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const ServerHead&, const ServerHead&) = default;
};

struct HelloAnswer {
  std::vector<Version> versions;  // that the server speaks, best first
  Uuid server;
  Bytes signing_certificate;  // DER; must chain to the site's authority
  std::vector<Nonce> nonces;
  WallTime time{};  // the server's clock, for display: nothing rests on it
  ServerState state = ServerState::kServing;
  std::string state_text;  // for people; may be empty
  std::optional<ServerHead> head = {};
  friend bool operator==(const HelloAnswer&, const HelloAnswer&) = default;
};

Bytes encode(const HelloRequest& hello);
Bytes encode(const HelloAnswer& hello);
Result<HelloRequest> read_hello_request(ttlv::Cursor in);
Result<HelloAnswer> read_hello_answer(ttlv::Cursor in);

}  // namespace tapewarden::dkx

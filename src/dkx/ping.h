// ping: shows that the peer is alive and answers, not only that TCP holds the connection. Unsigned. Values.
#pragma once

#include "base/env.h"
#include "dkx/hello.h"
#include "dkx/types.h"

namespace tapewarden::dkx {

struct PingRequest {
  Nonce challenge{};  // random, so that an answer cannot be replayed
  friend bool operator==(const PingRequest&, const PingRequest&) = default;
};

struct PingAnswer {
  WallTime time{};
  ServerState state = ServerState::kServing;
  std::string state_text;
  friend bool operator==(const PingAnswer&, const PingAnswer&) = default;
};

Bytes encode(const PingRequest& ping);
Bytes encode(const PingAnswer& ping);
Result<PingRequest> read_ping_request(ttlv::Cursor in);
Result<PingAnswer> read_ping_answer(ttlv::Cursor in);

}  // namespace tapewarden::dkx

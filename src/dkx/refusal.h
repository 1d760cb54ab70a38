// The answer to a request that was not granted: an EKM code with its origin, and what to do (K14). Values.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "dkx/types.h"
#include "eedk/ekm_code.h"

namespace tapewarden::dkx {

// Why the same request may succeed later. The client acts on kStaleNonce (asks again at once with a new
// nonce), on the others by trying the other server, and on kWaitingForBackup, when no server serves, by
// asking again and again until the exchange's time is up.
enum class RetryReason : std::uint8_t {
  kNone = 1,
  kStaleNonce = 2,          // unknown here, used, or out of date
  kWaitingForReplica = 3,   // the key exists, but the peer does not hold it yet (K17)
  kWaitingForBackup = 4,    // the key exists, but no backup holds it yet (K17)
  kWaitingForOperator = 5,  // the drive waits to be accepted (K1)
  kBusy = 6,                // too many requests
  kNotServing = 7,          // starting, locked or shutting down
};
std::string_view to_string(RetryReason reason);  // "waiting-for-replica"

struct Refusal {
  eedk::EkmCode code = eedk::EkmCode::kInternal;
  eedk::Origin origin = eedk::Origin::kKeyServer;
  std::string message;  // printable ASCII
  std::string field;
  std::string action;  // for the operator
  RetryReason retry = RetryReason::kNone;
  std::optional<Nonce> next_nonce;

  bool retryable() const { return retry != RetryReason::kNone; }
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// From an error of the key server; texts are cut to their limits and made printable.
Refusal refusal_of(const Error& error, RetryReason retry = RetryReason::kNone);
// The error that a client reports: the refusal's texts, its EKM code in `detail`, and the ErrorCode that
// suits it (kUnavailable when it may be tried again).
Error error_of(const Refusal& refusal);

Bytes encode(const Refusal& refusal);
Result<Refusal> read_refusal(ttlv::Cursor in);

}  // namespace tapewarden::dkx

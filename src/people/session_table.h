// Login sessions in memory. A session is known by a random 256-bit token of which only the SHA-256 is kept,
// so that a memory image gives no token away. Expiry runs on the steady clock. Thread-safe.
//
// Invariants
//  S1 A session lives at most `absolute` after it was opened and `idle` after it was last used.
//  S2 At most `total` sessions exist, at most `each` of one person: opening one more ends the one that has
//     been idle longest (of that person first).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/secret_bytes.h"
#include "people/person.h"

namespace tapewarden::people {

inline constexpr std::size_t kTokenBytes = 32;
inline constexpr std::size_t kTokenTextBytes = 2 * kTokenBytes;  // lower-case hex

struct SessionLimits {
  std::chrono::seconds idle{std::chrono::minutes(15)};
  std::chrono::seconds absolute{std::chrono::hours(12)};
  std::size_t total = 1024;
  std::size_t each = 16;
};

struct Session {
  std::string person;
  std::int64_t generation = 0;  // of the account when it logged in
  LoginMethod method = LoginMethod::kPassword;
  std::string source;
  SteadyTime opened{};
  SteadyTime last_used{};
};

class SessionTable {
 public:
  SessionTable(Env env, SessionLimits limits) : env_(env), limits_(limits) {}

  // The new token as kTokenTextBytes of text; the only place where it exists.
  crypto::SecretBytes open(Session session);
  // The live session, its idle time begun anew; nothing when unknown or expired. `token` is the text form;
  // any bytes are allowed.
  std::optional<Session> use(ByteView token);
  bool close(ByteView token);  // false when there was none
  void close_all_of(std::string_view person);
  std::size_t size();
  const SessionLimits& limits() const { return limits_; }

 private:
  using Sessions = std::map<Hash256, Session>;
  bool expired(const Session& session, SteadyTime now) const;
  void drop_expired(SteadyTime now) TW_REQUIRES(mutex_);
  // Of that person, or of all when empty; end() when there is none.
  Sessions::iterator longest_idle(std::string_view person) TW_REQUIRES(mutex_);
  void make_room(std::string_view person) TW_REQUIRES(mutex_);

  const Env env_;
  const SessionLimits limits_;
  Mutex mutex_;
  Sessions sessions_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::people

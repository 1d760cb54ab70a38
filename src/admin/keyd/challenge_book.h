// The open challenges of KEK proofs (K6): what was wrapped to a KEK whose private half lies elsewhere, until
// its holder sends the content back. In memory, bounded, and each good for one answer. Thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <string>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "keymgr/keks.h"

namespace tapewarden::admin {

inline constexpr std::size_t kMaximumChallenges = 64;        // the oldest goes first
inline constexpr std::chrono::hours kChallengeLife{24 * 7};  // the holder may sit at another site

class ChallengeBook {
 public:
  explicit ChallengeBook(Env env) : env_(env) {}

  // The number under which the challenge is known: a UUID's text.
  std::string keep(const Hash256& kek, keymgr::Keks::Challenge challenge);
  // Takes it out. kNotFound when it is unknown, used, expired, or of another KEK.
  Result<keymgr::Keks::Challenge> take(std::string_view number, const Hash256& kek);

 private:
  struct Entry {
    std::string number;
    Hash256 kek{};
    keymgr::Keks::Challenge challenge;
    SteadyTime made{};
  };

  const Env env_;
  Mutex mutex_;
  std::list<Entry> entries_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::admin

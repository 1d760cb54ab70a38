// Slows guessing down without giving anybody the power to lock a person out for good. Thread-safe; in memory,
// on the steady clock.
//
// Invariants
//  T1 Failures are counted three ways: for a (name, source) pair, for a source whatever the name, and for a
//     name whatever the source. Each count gives a delay that doubles with every failure from its threshold
//     on and never exceeds `longest`.
//  T2 An attempt inside a delay is refused unchecked and changes no count: hammering makes no delay longer.
//  T3 The count of a name binds only sources from which that person has never logged in, so that guessing
//     from elsewhere does not slow the person at the usual place.
//  T4 Unknown names are counted like known ones; the answer does not tell them apart. A login by client
//     certificate is never slowed: it guesses nothing.
//  T5 An attempt counts as failed from the moment it is admitted until it succeeds, so that many at once gain
//     nothing.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::people {

struct ThrottleLimits {
  unsigned pair_threshold = 4;  // failures that cost nothing
  unsigned source_threshold = 20;
  unsigned name_threshold = 10;
  std::chrono::milliseconds first{1000};
  std::chrono::milliseconds longest{60'000};
  std::chrono::milliseconds memory{3'600'000};  // a count without failures for so long is forgotten
  std::size_t entries = 8192;  // counts kept; the one whose last failure is oldest goes first
  std::size_t usual_sources = 4096;
};

struct Admission {
  std::chrono::milliseconds wait{0};    // zero: the attempt may be checked
  std::uint64_t refused_unchecked = 0;  // attempts refused by T2 since the last admitted one from this pair
};

class LoginThrottle {
 public:
  LoginThrottle(Clock& clock, ThrottleLimits limits) : clock_(clock), limits_(limits) {}

  Admission admit(const std::string& name, const std::string& source);
  void succeeded(const std::string& name, const std::string& source);

 private:
  struct Count {
    unsigned failures = 0;
    std::uint64_t refused_unchecked = 0;
    SteadyTime last_failure{};
  };
  // (name, source); an empty source counts the name, an empty name counts the source.
  using Key = std::pair<std::string, std::string>;

  std::chrono::milliseconds wait_of(const Key& key, unsigned threshold, SteadyTime now) TW_REQUIRES(mutex_);
  void count_failure(const Key& key, SteadyTime now) TW_REQUIRES(mutex_);
  void make_room(SteadyTime now) TW_REQUIRES(mutex_);

  Clock& clock_;
  const ThrottleLimits limits_;
  Mutex mutex_;
  std::map<Key, Count> counts_ TW_GUARDED_BY(mutex_);
  std::set<Key> usual_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::people

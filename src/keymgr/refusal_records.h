// How many refused messages, or refused requests for keys, of one sender get an audit record of their own.
// Whoever holds a certificate of the site can be refused as often as he likes: records of each would fill the
// disk, and then nobody is served. Thread-safe; in memory, on the steady clock.
//
// Invariants
//  R1 A sender's refusals are recorded while he has records to spend: `at_once`, and one more after each
//     `again`. Others are counted, and the next record of that sender tells how many.
//  R2 A sender is his TLS certificate, for requests with the code that he is refused with: a new connection,
//     another serial or another request changes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::keymgr {

struct RefusalLimits {
  unsigned at_once = 32;
  std::chrono::milliseconds again{60'000};
  std::size_t senders = 4096;  // kept; the one that was refused longest ago is forgotten first
};

class RefusalRecords {
 public:
  explicit RefusalRecords(Clock& clock, RefusalLimits limits = {}) : clock_(clock), limits_(limits) {}

  // For one refused message of `sender`: nothing, it is only counted; or it is to be recorded, with the
  // number of those that were counted since the last record.
  std::optional<std::uint64_t> next(const Hash256& sender);

 private:
  struct Sender {
    unsigned spent = 0;  // records that have not come back
    SteadyTime since{};  // when the last of them came back
    SteadyTime last{};   // his last refusal
    std::uint64_t counted = 0;
  };
  void make_room() TW_REQUIRES(mutex_);
  void give_back(Sender& sender, SteadyTime now) const;

  Clock& clock_;
  const RefusalLimits limits_;
  Mutex mutex_;
  std::map<Hash256, Sender> senders_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr

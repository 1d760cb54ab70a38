// Which exchanges wait for a backup (serve_policy.h), so that one that asks again every moment is audited
// once: when its wait begins, and with its length when it is served. Bounded: of more than kMaximumWaits the
// oldest are forgotten, and audited again. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "base/uuid.h"

namespace tapewarden::keymgr {

struct Wait {
  WallTime since{};         // when the first refusal's audit record became durable
  WallTime last{};          // when it was asked last
  std::uint64_t asked = 0;  // how often, the first time included
};

class WaitBook {
 public:
  struct Id {
    std::string drive;
    Uuid request;
    auto operator<=>(const Id&) const = default;
  };

  // True when its beginning is in the audit already: counted, no further record is needed.
  bool again(const Id& id, WallTime now);
  // Its beginning is durable in the audit.
  void began(const Id& id, WallTime now);
  std::optional<Wait> find(const Id& id) const;
  // It was served, or refused for another reason.
  void ended(const Id& id);

  struct Summary {
    std::uint64_t now = 0;    // asked within kWaitIsOver
    std::uint64_t begun = 0;  // since the start
    WallTime since{};         // of the longest among those that wait now; kNever without any
  };
  Summary summary(WallTime now) const;

 private:
  mutable Mutex mutex_;
  std::map<Id, Wait> waits_ TW_GUARDED_BY(mutex_);
  std::deque<Id> order_ TW_GUARDED_BY(mutex_);
  std::uint64_t begun_ TW_GUARDED_BY(mutex_) = 0;
};

}  // namespace tapewarden::keymgr

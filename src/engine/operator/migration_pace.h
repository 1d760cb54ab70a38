// How often migrations of pools look whether something is to be asked for, or is done: oftener than people
// look at them, and however many cartridges there are never for more than a small part of the time. Belongs
// to one thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/env.h"

namespace tapewarden::engine {

inline constexpr std::chrono::milliseconds kShortestMigrationPause{2'000};
inline constexpr std::chrono::milliseconds kLongestMigrationPause{30'000};
inline constexpr int kMigrationPausePerPass = 20;  // times what the pass took

class MigrationPace {
 public:
  bool due(SteadyTime now) const { return now >= next_; }
  void passed(SteadyTime begun, SteadyTime ended) {
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(ended - begun);
    next_ =
        ended + std::clamp(took * kMigrationPausePerPass, kShortestMigrationPause, kLongestMigrationPause);
  }

 private:
  SteadyTime next_{};
};

}  // namespace tapewarden::engine

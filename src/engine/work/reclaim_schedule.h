// When reclaim is not to begin (feature row T6): windows of the week, in which hosts need the drives. Values;
// functions are pure and thread-safe. Times are UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/env.h"

namespace tapewarden::engine {

struct WeeklyWindow {
  std::uint8_t day = 0;              // in which it begins; 0 is Sunday
  std::uint16_t begin_minute = 0;    // of that day
  std::uint16_t length_minutes = 0;  // 1 to 10,080; may go on into the days after, and around the week's end
  friend bool operator==(const WeeklyWindow&, const WeeklyWindow&) = default;
};

struct ReclaimSchedule {
  std::vector<WeeklyWindow> inhibited{};  // at most kMaximumWindows
  // kInvalidArgument naming the member.
  Status check() const;
  bool inhibits(WallTime now) const;
  friend bool operator==(const ReclaimSchedule&, const ReclaimSchedule&) = default;
};

}  // namespace tapewarden::engine

// When no new reclaims begin (feature row T6): windows of the week, in UTC. Values; pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"

namespace tapewarden::apps {

// The same hours on each of its days. One that begins late in the evening and goes on in the night belongs to
// the day on which it begins.
struct InhibitWindow {
  std::uint8_t days = 0;  // bit 0: Monday
  unsigned from = 0;      // minutes of the day
  unsigned until = 0;     // not above `from`: of the day after
  bool operator==(const InhibitWindow&) const = default;
};

// "Mon-Fri 06:00-22:00", "Sat 22:00-04:00", "daily 08:00-12:00". kInvalidArgument with what to write.
Result<InhibitWindow> parse_inhibit_window(std::string_view text);

bool inhibited(const std::vector<InhibitWindow>& windows, WallTime now);

}  // namespace tapewarden::apps

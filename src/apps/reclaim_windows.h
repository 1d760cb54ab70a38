// When no new reclaims begin (feature row T6), as the configuration says it. Pure, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "engine/work/reclaim_schedule.h"

namespace tapewarden::apps {

// "Mon-Fri 06:00-22:00", "Sat 22:00-04:00", "daily 08:00-12:00", in UTC: the same hours on each of the days.
// One that ends before it begins goes on into the day after. kInvalidArgument with what to write.
Result<std::vector<engine::WeeklyWindow>> parse_reclaim_windows(std::string_view text);

}  // namespace tapewarden::apps

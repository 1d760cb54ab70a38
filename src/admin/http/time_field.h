// A time as people write it in a request. Pure.
#pragma once

#include <string_view>

#include "base/env.h"

namespace tapewarden::admin {

// 2026-11-21 or 2026-11-21T02:40:32Z, in UTC. kInvalidArgument naming the field.
Result<WallTime> parse_time_field(std::string_view text, std::string_view field);

}  // namespace tapewarden::admin

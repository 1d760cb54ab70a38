// Sizes as people write them. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace tapewarden {

// 18T, 500G, 64M, 4096: powers of 1000, as tape vendors count. kInvalidArgument naming `field`.
Result<std::uint64_t> parse_size(std::string_view text, std::string_view field);

}  // namespace tapewarden

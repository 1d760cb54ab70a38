// Free TCP ports on the loopback address, for programs that want to be told theirs. Thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace tapewarden::testing {

// Different from one another and free at this moment. Empty when the system refuses.
std::vector<std::uint16_t> free_ports(std::size_t count);

}  // namespace tapewarden::testing

// Limits of what hosts do with logical volumes, in one place.
#pragma once

#include <cstddef>

namespace tapewarden::engine {

// How often a mount begins anew because the volume changed under it.
inline constexpr std::size_t kMountTries = 4;
// Volumes in drives that a start looks at: more than a library has drives.
inline constexpr std::size_t kMaximumMounted = 1000;

}  // namespace tapewarden::engine

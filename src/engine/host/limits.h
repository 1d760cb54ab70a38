// Limits of what hosts do with logical volumes, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

// How often a mount begins anew because the volume changed under it.
inline constexpr std::size_t kMountTries = 4;
// Volumes in drives that a start looks at: more than a library has drives.
inline constexpr std::size_t kMaximumMounted = 1000;

// Of a volume that may hold a request: larger ones are not opened to look.
inline constexpr std::uint64_t kMaximumRequestFile = 2U << 20;
inline constexpr std::size_t kMaximumRequestBytes = 8192;  // of its records, labels included
inline constexpr std::uint64_t kMaximumRequestObjects = 100;
inline constexpr std::size_t kLabelBytes = 80;            // of a label, and of a request's fixed record
inline constexpr std::size_t kAnswerRecordBytes = 32760;  // IBM's longest block

}  // namespace tapewarden::engine

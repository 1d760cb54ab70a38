// The limits of what an operator orders in one call, in one place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

// Sizes of logical volumes as the TS7700 has them, in MiB of what a host writes.
inline constexpr std::array<std::uint32_t, 8> kVolumeSizesMib{400,  800,  1000,   2000,
                                                              4000, 6000, 25'000, 65'000};
inline constexpr std::uint32_t kDefaultVolumeSizeMib = 800;

inline constexpr std::size_t kMaximumOrdered = 1000;        // volumes or cartridges of one order
inline constexpr std::size_t kMaximumNamed = 10;            // of those that are in the way, in an error
inline constexpr std::size_t kMaximumRecallsKept = 1000;    // that ended, with how
inline constexpr std::size_t kMaximumRecallsOpen = 10'000;  // asked for and not ended
inline constexpr std::uint32_t kMaximumExpireHours = 24 * 365 * 10;

}  // namespace tapewarden::engine

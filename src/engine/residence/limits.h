// Limits of the protocol between catalogue and cache, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tapewarden::engine {

inline constexpr std::size_t kEvictedAtOnce = 256;     // volumes that leave the cache in one change
inline constexpr std::size_t kCacheOpeningPage = 500;  // volumes read at once at start
// What a sealed file takes beyond its content, with its header and padding, for two partitions.
inline constexpr std::uint64_t kSealingBytes = 16U << 10;
// What a cartridge file takes beyond the nominal capacity: its areas, sessions and index.
inline constexpr std::uint64_t kFileOverheadBytes = 2U << 20;
inline constexpr std::uint64_t kFileOverheadDivisor = 64;  // and this part of the capacity

// Left free on the disk under the cache: for the end of what drives with volumes of the cache have taken
// (they refuse more when 128 MiB are left) and for what is written beside files.
inline constexpr std::uint64_t kDiskSpareBytes = 256U << 20;

// Of interventions: there is one cache, so it needs no other name.
inline const std::string kCacheSubject = "cache";

// Whoever waits for room asks again long before this.
inline constexpr std::chrono::minutes kRefusalForgotten{10};

}  // namespace tapewarden::engine

// Limits and assumptions of migrations in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::size_t kMaximumInTheWay = 20;    // cartridges that a plan or a progress names
inline constexpr std::size_t kRequestsInChange = 200;  // move requests that one transaction sets
inline constexpr std::uint32_t kMaximumDriveCount = 1000;
inline constexpr std::uint64_t kMaximumDriveRate = 1ULL << 40;  // bytes/s
inline constexpr std::uint32_t kMaximumMountSeconds = 3600;

// What is assumed of a drive and of a cartridge while nobody knows better: LTO-8 and TS1160 without
// compression, and a mount with its way through a middle-sized library.
inline constexpr std::uint64_t kAssumedDriveRate = 300'000'000;
inline constexpr std::uint32_t kAssumedMountSeconds = 90;
inline constexpr std::uint64_t kAssumedCartridgeBytes = 12'000'000'000'000;

}  // namespace tapewarden::engine

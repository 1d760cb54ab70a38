// Limits of the work with tape in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::size_t kImageChunkBytes = 1U << 20;  // of a file that goes to tape
inline constexpr std::size_t kDueBatch = 64;               // volumes that a migration looks at together
inline constexpr std::size_t kReclaimBatch = 64;           // volumes of a source that are looked at together
inline constexpr std::uint64_t kStagedShare = 4;           // of the cache, one in so many, by reclaim
inline constexpr std::size_t kCandidates = 100;            // cartridges that are looked at to choose one
inline constexpr std::size_t kCartridgesTried = 16;        // one after another, before a job gives up
inline constexpr std::size_t kTombstonesTold = 1000;       // by one trailer
inline constexpr std::size_t kTracesKept = 200;            // of the last mounts
inline constexpr std::size_t kTracedVolumes = 1000;        // named by one of them
inline constexpr std::size_t kMaximumPauses = 10'000;
inline constexpr std::size_t kMaximumWindows = 100;  // of a reclaim schedule

// After something was in vain it is tried again after the first of these, then after twice that, up to the
// last.
inline constexpr std::chrono::milliseconds kShortPause{1'000};  // the drive was reset
inline constexpr std::chrono::milliseconds kFirstPause{15'000};
inline constexpr std::chrono::milliseconds kLongestPause{600'000};
// A cartridge whose new key labels were refused: others are tried in between.
inline constexpr std::chrono::milliseconds kRefusedRekeyPause{3'600'000};

}  // namespace tapewarden::engine

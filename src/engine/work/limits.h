// Limits of the work with tape in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

// Of a file that goes to tape: a block, still in the processor's cache when it is hashed and sealed.
inline constexpr std::size_t kImageChunkBytes = 256U << 10;
inline constexpr std::size_t kDueBatch = 64;            // volumes that a migration looks at together
inline constexpr std::size_t kDueRecalls = 16;          // asked for together, to be written to one pool
inline constexpr std::size_t kReclaimBatch = 64;        // volumes of a source that are looked at together
inline constexpr std::uint64_t kStagedShare = 4;        // of the cache, one in so many, by reclaim
inline constexpr std::size_t kCandidates = 100;         // cartridges that are looked at to choose one
inline constexpr std::size_t kMaximumLookedAt = 6'400;  // of those that must wait, for one that need not
inline constexpr std::size_t kCartridgesTried = 16;     // one after another, before a job gives up
inline constexpr std::size_t kTombstonesTold = 1000;    // by one trailer
inline constexpr std::size_t kTracesKept = 200;         // of the last mounts
inline constexpr std::size_t kTracedVolumes = 1000;     // named by one of them
inline constexpr std::size_t kMaximumPauses = 10'000;
inline constexpr std::size_t kMaximumWindows = 100;  // of a reclaim schedule

// So long what needs one drive may go before what needs two and was there before it.
inline constexpr std::chrono::minutes kPairPatience{10};
inline constexpr std::chrono::minutes kPairHold{30};  // and so long at most a drive stands idle for it
// So long recalls go before one that was refused room in the cache; then so long they leave the next room to
// it.
inline constexpr std::chrono::minutes kRoomTurn{5};

// After something was in vain it is tried again after the first of these, then after twice that, up to the
// last.
inline constexpr std::chrono::milliseconds kShortPause{1'000};  // the drive was reset
inline constexpr std::chrono::milliseconds kFirstPause{15'000};
// The catalogue's backup by itself: so long after what it tells was changed, and at least so often.
inline constexpr std::chrono::minutes kBackupPatience{10};
inline constexpr std::chrono::hours kBackupInterval{24};
inline constexpr std::chrono::milliseconds kLongestPause{600'000};
// A cartridge whose new key labels were refused: others are tried in between.
inline constexpr std::chrono::milliseconds kRefusedRekeyPause{3'600'000};

}  // namespace tapewarden::engine

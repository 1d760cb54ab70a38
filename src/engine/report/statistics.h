// What the engine counts in each interval of a quarter of an hour (kStatisticsInterval), and its text in the
// catalogue's records. Values; functions are pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/catalogue/limits.h"
#include "engine/catalogue/totals.h"

namespace tapewarden::engine {

// Sizes are bytes, times milliseconds. Names and meanings: docs/operating/reports.md.
enum class Measure : std::uint8_t {
  kHostBytesWritten,  // by hosts to logical volumes, as they sent them
  kHostBytesRead,
  kFastReadyMounts,  // of scratch volumes
  kFastReadyMillis,
  kFastReadyLongest,
  kHitMounts,  // of volumes in the cache
  kHitMillis,
  kHitLongest,
  kMissMounts,  // of volumes that were recalled first
  kMissMillis,
  kMissLongest,
  kVolumesCopied,  // to tape: images that are whole, primary and secondary
  kClearBytesCopied,
  kEncryptedBytesCopied,
  kVolumesRecalled,
  kBytesRecalled,
  kVolumesReclaimed,  // from tape to tape: reclaim and moves
  kClearBytesReclaimed,
  kEncryptedBytesReclaimed,
  kCartridgesReclaimed,  // emptied, and given back or waiting to be erased
  kCartridgesErased,
  kVolumesEvicted,
  kBytesEvicted,
  kVolumesDeleted,  // expired content, and what a scratch mount ended
  kPhysicalMounts,
  kPhysicalMountMillis,
  kPhysicalMountLongest,
  kPhysicalMountsFailed,
  kKeysGenerated,  // exchanges for a new key
  kKeysFetched,    // and for the cartridge's own
  kKeysRefused,
  kKeyServersMissed,   // exchanges in which no key server was reached
  kCacheBytes,         // the state when the interval ended,
  kCacheBytesHighest,  // and the highest in it
  kDueBytes,
  kDueBytesHighest,
  kVirtualDrivesInUse,
  kVirtualDrivesInUseHighest,
  kPhysicalDrivesInUse,
  kPhysicalDrivesInUseHighest,
  kRecallsWaiting,
  kRecallsWaitingHighest,
};
inline constexpr std::size_t kMeasures = static_cast<std::size_t>(Measure::kRecallsWaitingHighest) + 1;
std::string_view to_string(Measure measure);  // "host_bytes_written"

// How two parts of one interval are one.
enum class MeasureRule : std::uint8_t { kSum, kHighest, kLast };
MeasureRule rule_of(Measure measure);

struct PoolStatistics {
  std::uint64_t clear_bytes = 0;  // written to its cartridges, from wherever
  std::uint64_t encrypted_bytes = 0;
  friend bool operator==(const PoolStatistics&, const PoolStatistics&) = default;
};

struct IntervalStatistics {
  WallTime began{};
  std::array<std::uint64_t, kMeasures> measures{};
  std::array<PoolStatistics, kMaximumPool + std::size_t{1}> pools{};

  std::uint64_t& operator[](Measure measure) { return measures.at(static_cast<std::size_t>(measure)); }
  std::uint64_t operator[](Measure measure) const { return measures.at(static_cast<std::size_t>(measure)); }
  // Nothing happened in it; what is only a state does not count.
  bool idle() const;
  // `later` is of the same interval.
  void add(const IntervalStatistics& later);
  friend bool operator==(const IntervalStatistics&, const IntervalStatistics&) = default;
};

// The beginning of the interval that holds the time, of intervals of that length.
WallTime interval_of(WallTime time, std::chrono::minutes length = kStatisticsInterval);
// Whether records can be summed up by such intervals: whole quarters of an hour that make up a day, at most
// one.
bool is_interval(std::chrono::minutes length);

// One JSON object. Measures that are 0 are left out; names that this program does not know are skipped.
StatisticsRecord to_record(const IntervalStatistics& statistics);
// kCorrupt when the content is no such object.
Result<IntervalStatistics> from_record(const StatisticsRecord& record);

}  // namespace tapewarden::engine

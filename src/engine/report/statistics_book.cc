#include "engine/report/statistics_book.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden::engine {

Result<IntervalStatistics> statistics_of(CatalogueView& view, WallTime interval) {
  const auto records = TRY(view.statistics(interval, interval + kStatisticsInterval, 1));
  if (records.empty()) {
    IntervalStatistics none;
    none.began = interval;
    return none;
  }
  return from_record(records.front());
}

void StatisticsBook::add(Measure measure, std::uint64_t amount) {
  TW_ASSERT(rule_of(measure) == MeasureRule::kSum);
  const MutexLock lock(mutex_);
  open_[measure] += amount;
}

void StatisticsBook::note(Measure count, Measure millis, Measure longest, std::chrono::milliseconds took) {
  const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
  open_[count] += 1;
  open_[millis] += length;
  open_[longest] = std::max(open_[longest], length);
}

void StatisticsBook::host_mount(HostMount kind, std::chrono::milliseconds took) {
  const MutexLock lock(mutex_);
  switch (kind) {
    case HostMount::kFastReady:
      return note(Measure::kFastReadyMounts, Measure::kFastReadyMillis, Measure::kFastReadyLongest, took);
    case HostMount::kHit:
      return note(Measure::kHitMounts, Measure::kHitMillis, Measure::kHitLongest, took);
    case HostMount::kMiss:
      return note(Measure::kMissMounts, Measure::kMissMillis, Measure::kMissLongest, took);
  }
}

void StatisticsBook::physical_mount(std::chrono::milliseconds took) {
  const MutexLock lock(mutex_);
  note(Measure::kPhysicalMounts, Measure::kPhysicalMountMillis, Measure::kPhysicalMountLongest, took);
}

// The bytes of every image are its pool's; a backup of the catalogue is no volume.
void StatisticsBook::image_written(std::uint8_t pool, bool encrypted, std::uint64_t bytes, ImageFrom from) {
  TW_ASSERT(pool <= kMaximumPool);
  const MutexLock lock(mutex_);
  auto& of_pool = open_.pools.at(pool);
  (encrypted ? of_pool.encrypted_bytes : of_pool.clear_bytes) += bytes;
  switch (from) {
    case ImageFrom::kCache:
      open_[Measure::kVolumesCopied] += 1;
      open_[encrypted ? Measure::kEncryptedBytesCopied : Measure::kClearBytesCopied] += bytes;
      return;
    case ImageFrom::kTape:
      open_[Measure::kVolumesReclaimed] += 1;
      open_[encrypted ? Measure::kEncryptedBytesReclaimed : Measure::kClearBytesReclaimed] += bytes;
      return;
    case ImageFrom::kCatalogue:
      return;
  }
}

void StatisticsBook::volumes_deleted(std::uint64_t volumes) {
  add(Measure::kVolumesDeleted, volumes);
}

void StatisticsBook::volumes_evicted(std::uint64_t volumes, std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  open_[Measure::kVolumesEvicted] += volumes;
  open_[Measure::kBytesEvicted] += bytes;
}

void StatisticsBook::volume_recalled(std::uint64_t bytes) {
  const MutexLock lock(mutex_);
  open_[Measure::kVolumesRecalled] += 1;
  open_[Measure::kBytesRecalled] += bytes;
}

void StatisticsBook::cartridge_reclaimed() {
  add(Measure::kCartridgesReclaimed);
}

void StatisticsBook::cartridge_erased() {
  add(Measure::kCartridgesErased);
}

void StatisticsBook::physical_mount_failed() {
  add(Measure::kPhysicalMountsFailed);
}

void StatisticsBook::key_exchange(KeyExchange exchange) {
  switch (exchange) {
    case KeyExchange::kGenerated:
      return add(Measure::kKeysGenerated);
    case KeyExchange::kFetched:
      return add(Measure::kKeysFetched);
    case KeyExchange::kRefused:
      return add(Measure::kKeysRefused);
    case KeyExchange::kMissed:
      return add(Measure::kKeyServersMissed);
  }
}

void StatisticsBook::set(Measure measure, std::uint64_t now) {
  TW_ASSERT(rule_of(measure) == MeasureRule::kLast);
  const auto highest = static_cast<Measure>(static_cast<std::uint8_t>(measure) + 1);
  const MutexLock lock(mutex_);
  open_[measure] = now;
  open_[highest] = std::max(open_[highest], now);
}

IntervalStatistics StatisticsBook::current() const {
  const MutexLock lock(mutex_);
  return open_;
}

Status StatisticsBook::keep(Catalogue& catalogue, WallTime now) {
  {
    const MutexLock lock(mutex_);
    if (open_.began == interval_of(now)) return {};
  }
  return save(catalogue, now);
}

namespace {

// A state goes on into the next interval.
IntervalStatistics next_after(const IntervalStatistics& done, WallTime began) {
  IntervalStatistics next;
  next.began = began;
  for (std::size_t i = 0; i + 1 < kMeasures; ++i) {
    if (rule_of(static_cast<Measure>(i)) != MeasureRule::kLast) continue;
    next.measures[i] = done.measures[i];
    next.measures[i + 1] = done.measures[i];
  }
  return next;
}

}  // namespace

Status StatisticsBook::save(Catalogue& catalogue, WallTime now) {
  IntervalStatistics done;
  {
    const MutexLock lock(mutex_);
    done = std::exchange(open_, next_after(open_, interval_of(now)));
  }
  auto written = catalogue.change([&](CatalogueChange& change) -> Status {
    auto whole = TRY(statistics_of(change, done.began));
    whole.add(done);
    return change.put(to_record(whole));
  });
  if (written) return written;
  const MutexLock lock(mutex_);
  done.add(open_);
  open_ = done;
  return written;
}

}  // namespace tapewarden::engine

// Where every part of the engine says what it did, so that it becomes a record of the catalogue for each
// interval.
//
// Thread-safe.
//
// Invariants
//  1. What was added is in a record of the catalogue or in the book, never in both and, as long as the
//     program runs, never in neither: a record that could not be written comes back into the book.
//  2. Of one interval there is one record: what comes later is added to it, also after a restart or when the
//     clock was put back.
#pragma once

#include <chrono>

#include "base/thread_annotations.h"
#include "engine/catalogue/catalogue.h"
#include "engine/meter.h"
#include "engine/report/statistics.h"

namespace tapewarden::engine {

class StatisticsBook final : public Meter {
 public:
  explicit StatisticsBook(WallTime now) { open_.began = interval_of(now); }

  // REQUIRES: rule_of(measure) is kSum.
  void add(Measure measure, std::uint64_t amount = 1) TW_EXCLUDES(mutex_);
  // What the engine's parts say.
  void host_mount(HostMount kind, std::chrono::milliseconds took) override TW_EXCLUDES(mutex_);
  void volumes_deleted(std::uint64_t volumes) override TW_EXCLUDES(mutex_);
  void volumes_evicted(std::uint64_t volumes, std::uint64_t bytes) override TW_EXCLUDES(mutex_);
  void volume_recalled(std::uint64_t bytes) override TW_EXCLUDES(mutex_);
  // REQUIRES: the pool is one.
  void image_written(std::uint8_t pool, bool encrypted, std::uint64_t bytes, ImageFrom from) override
      TW_EXCLUDES(mutex_);
  void cartridge_reclaimed() override TW_EXCLUDES(mutex_);
  void cartridge_erased() override TW_EXCLUDES(mutex_);
  void physical_mount(std::chrono::milliseconds took) override TW_EXCLUDES(mutex_);
  void physical_mount_failed() override TW_EXCLUDES(mutex_);
  void key_exchange(KeyExchange exchange) override TW_EXCLUDES(mutex_);
  // A state as it is now. REQUIRES: rule_of(measure) is kLast; the measure behind it is its highest.
  void set(Measure measure, std::uint64_t now) TW_EXCLUDES(mutex_);

  // What is in the book and not yet in a record.
  IntervalStatistics current() const TW_EXCLUDES(mutex_);

  // To be called some times in an interval: writes the record of one that is over. Errors of the catalogue;
  // then the next call tries again.
  Status keep(Catalogue& catalogue, WallTime now) TW_EXCLUDES(mutex_);
  // Writes what there is, at the end of the program.
  Status save(Catalogue& catalogue, WallTime now) TW_EXCLUDES(mutex_);

 private:
  void note(Measure count, Measure millis, Measure longest, std::chrono::milliseconds took)
      TW_REQUIRES(mutex_);

  mutable Mutex mutex_;
  IntervalStatistics open_ TW_GUARDED_BY(mutex_);
};

// The record of the interval, empty when there is none.
Result<IntervalStatistics> statistics_of(CatalogueView& view, WallTime interval);

}  // namespace tapewarden::engine

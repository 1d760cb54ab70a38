// The book of what the tape engine did, and the states that nobody tells it: they are looked at every few
// seconds. Its parts write into the book themselves (engine/meter.h).
//
// book() is thread-safe; everything else belongs to one thread at a time.
#pragma once

#include <memory>
#include <vector>

#include "engine/cache/volume_cache.h"
#include "engine/report/statistics_book.h"
#include "engine/volume_desk.h"
#include "engine/work/drive_desk.h"
#include "tape/library/drive_bay.h"

namespace tapewarden::apps {

class EngineStatistics {
 public:
  explicit EngineStatistics(WallTime now) : book_(now) {}

  engine::StatisticsBook& book() { return book_; }
  const engine::StatisticsBook& book() const { return book_; }

  // The drives that hosts have. Before the first look().
  void watch(const std::vector<std::shared_ptr<tape::DriveBay>>& bays);

  struct Engine {
    engine::Catalogue& catalogue;
    const engine::VolumeCache& cache;
    const engine::VolumeDesk& desk;
    const engine::DriveDesk& drives;
  };
  // States as they are now; what hosts moved since the last look. A drive whose host's command goes on just
  // now is asked the next time. Errors of the catalogue.
  Status look(const Engine& engine);

 private:
  struct Bay {
    std::weak_ptr<tape::DriveBay> bay;
    tape::Traffic counted{};  // of it, since the drive's power came
  };
  std::uint64_t count_traffic(std::chrono::milliseconds patience);

  engine::StatisticsBook book_;
  std::vector<Bay> bays_;
};

}  // namespace tapewarden::apps

#include "apps/engine_statistics.h"

#include <algorithm>

namespace tapewarden::apps {
namespace {

using engine::Measure;

constexpr std::chrono::milliseconds kPatience{50};  // with a drive at work

std::uint64_t number(std::int64_t sum) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

Result<std::uint64_t> due_bytes(engine::Catalogue& catalogue) {
  std::uint64_t due = 0;
  TRY(catalogue.read([&](engine::CatalogueView& view) -> Status {
    due = 0;
    for (const auto& total : TRY(view.volume_totals()))
      due += number(total.sums.primary_due_bytes) + number(total.sums.secondary_due_bytes);
    return {};
  }));
  return due;
}

// A drive that was switched off and on counts from the beginning.
std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now;
}

}  // namespace

void EngineStatistics::watch(const std::vector<std::shared_ptr<tape::DriveBay>>& bays) {
  bays_.clear();
  for (const auto& bay : bays) bays_.push_back({bay});
}

// How many of the drives have a volume, or wait for it.
std::uint64_t EngineStatistics::count_traffic(std::chrono::milliseconds patience) {
  std::uint64_t in_use = 0;
  for (auto& [weak, counted] : bays_) {
    const auto bay = weak.lock();
    if (!bay) continue;
    if (bay->awaits_cartridge() || bay->holds_cartridge()) ++in_use;
    const auto status = bay->status({}, patience);
    if (!status) continue;
    const auto& now = status->traffic_since_power_on;
    book_.add(Measure::kHostBytesWritten, grown(now.host_written, counted.host_written));
    book_.add(Measure::kHostBytesRead, grown(now.host_read, counted.host_read));
    counted = now;
  }
  return in_use;
}

Status EngineStatistics::look(const Engine& engine) {
  book_.set(Measure::kVirtualDrivesInUse, count_traffic(kPatience));
  book_.set(Measure::kPhysicalDrivesInUse, engine.drives.taken());
  book_.set(Measure::kRecallsWaiting, engine.desk.wanted().size());
  book_.set(Measure::kCacheBytes, engine.cache.used_bytes());
  book_.set(Measure::kDueBytes, TRY(due_bytes(engine.catalogue)));
  return {};
}

}  // namespace tapewarden::apps

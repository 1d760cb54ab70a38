#include "engine/operator/recall_orders.h"

#include <algorithm>

#include "base/counted.h"
#include "engine/catalogue/limits.h"
#include "engine/operator/limits.h"

namespace tapewarden::engine {
namespace {

Status can_be_recalled(const LogicalVolume& volume) {
  const auto refused = [&volume](const std::string& why) {
    return fail(ErrorCode::kConflict, "the logical volume " + volume.volser + " " + why, "volser");
  };
  switch (volume.residence()) {
    case Residence::kEmpty:
      return refused("has no content");
    case Residence::kMissing:
      return refused("has its content nowhere any more");
    case Residence::kCached:
    case Residence::kPremigrated:
    case Residence::kMigrated:
      return {};
  }
  return {};
}

Result<LogicalVolume> recallable(Catalogue& catalogue, const std::string& volser) {
  auto volume = TRY(catalogue.volume(volser));
  TRY(can_be_recalled(volume));
  return volume;
}

}  // namespace

std::optional<OrderLine> RecallOrders::Book::open(const std::string& volser) {
  const MutexLock lock(mutex_);
  if (open_.contains(volser)) return OrderLine{volser, "wanted already"};
  if (open_.size() >= kMaximumRecallsOpen)
    return OrderLine::refused(
        volser, {ErrorCode::kExhausted, "too many volumes are wanted already", "volser", "wait for some"});
  open_[volser] = clock_.wall_now();
  std::erase_if(ended_, [&](const RecallView& view) { return view.volser == volser; });
  return std::nullopt;
}

void RecallOrders::Book::end(const std::string& volser, const Status& outcome) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(volser);
  if (found == open_.end()) return;
  ended_.push_back({.volser = volser,
                    .state = outcome ? "done" : "failed",
                    .problem = outcome ? std::string() : outcome.error().text(),
                    .asked = found->second,
                    .ended = clock_.wall_now()});
  open_.erase(found);
  if (ended_.size() > kMaximumRecallsKept) ended_.pop_front();
}

std::vector<RecallView> RecallOrders::Book::list() const {
  std::vector<RecallView> views;
  const MutexLock lock(mutex_);
  for (const auto& [volser, since] : open_)
    views.push_back({.volser = volser, .state = "wanted", .problem = "", .asked = since});
  std::ranges::sort(
      views, {}, [](const RecallView& view) { return std::pair(view.asked, std::string_view(view.volser)); });
  views.insert(views.end(), ended_.rbegin(), ended_.rend());
  return views;
}

OrderLine RecallOrders::want(const std::string& volser) {
  if (const auto said = book_->open(volser)) return *said;
  desk_.ask(volser, RecallReason::kOperator,
            [book = book_, volser](const Status& outcome) { book->end(volser, outcome); });
  return {volser, "wanted"};
}

std::vector<OrderLine> RecallOrders::ask(Catalogue& catalogue, const std::vector<std::string>& volsers) {
  std::vector<OrderLine> lines;
  for (const auto& volser : volsers) {
    const auto volume = recallable(catalogue, volser);
    if (!volume) {
      lines.push_back(OrderLine::refused(volser, volume.error()));
    } else {
      lines.push_back(volume->cached ? OrderLine{volser, "in the cache"} : want(volser));
    }
  }
  return lines;
}

Result<std::vector<OrderLine>> RecallOrders::ask_all_on(Catalogue& catalogue, const std::string& barcode) {
  std::vector<std::string> volsers;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    volsers.clear();
    (void)TRY(view.cartridge(barcode));
    std::uint32_t first = 0;
    while (true) {
      const auto some = TRY(view.volumes_on(barcode, first, kMaximumPage));
      for (const auto& placed : some) {
        if (!placed.volume.cached) volsers.push_back(placed.volume.volser);
        first = placed.volume.copy(placed.copy)->file + 1;
      }
      if (some.size() < kMaximumPage) return {};
      if (volsers.size() > kMaximumRecallsOpen)
        return fail(ErrorCode::kExhausted, "these are too many volumes for one call", "barcode",
                    "move them to another cartridge instead");
    }
  }));
  return ask(catalogue, volsers);
}

}  // namespace tapewarden::engine

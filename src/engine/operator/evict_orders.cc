#include "engine/operator/evict_orders.h"

#include <algorithm>

namespace tapewarden::engine {
namespace {

constexpr std::size_t kEvictedTogether = 256;

std::optional<Error> reason_to_stay(const LogicalVolume& volume) {
  const auto because = [&](const std::string& why, const std::string& remedy) {
    return fail(ErrorCode::kConflict, "volume " + volume.volser + " " + why, "volser", remedy).error();
  };
  if (volume.may_leave_cache()) return std::nullopt;
  if (!volume.cached) return because("is not in the cache", "there is nothing to do");
  if (!volume.mounted.empty()) return because("is in drive " + volume.mounted, "unload it first");
  if (volume.primary_due || volume.secondary_due)
    return because("has a copy to tape that is not written yet", "wait until it is premigrated");
  return because("is nowhere but in the cache", "have it copied to tape first");
}

// Those of one change; lines in their order.
Result<std::vector<OrderLine>> evict_some(const OperatorParts& parts,
                                          const std::vector<std::string>& volsers) {
  std::vector<OrderLine> lines;
  std::vector<CachedContent> files;
  std::uint64_t bytes = 0;
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    lines.clear();
    files.clear();
    bytes = 0;
    for (const auto& volser : volsers) {
      auto volume = TRY(change.find_volume(volser));
      if (!volume) {
        lines.push_back(OrderLine::refused(
            volser, fail(ErrorCode::kNotFound, "there is no volume " + volser, "volser").error()));
        continue;
      }
      if (auto why = reason_to_stay(*volume)) {
        lines.push_back(OrderLine::refused(volser, *std::move(why)));
        continue;
      }
      files.push_back({volume->volser, volume->cache_file});
      bytes += volume->cached_bytes;
      volume->cached = false;
      volume->cached_bytes = 0;
      TRY(change.put(*volume));
      TRY(change.forget_cache_key(volume->volser));
      lines.push_back({.name = volser, .outcome = "out of the cache"});
    }
    return {};
  }));
  if (!files.empty()) parts.meter->volumes_evicted(files.size(), bytes);
  if (parts.shred)
    for (const auto& file : files) parts.shred(file);
  return lines;
}

}  // namespace

std::vector<OrderLine> evict_volumes(const OperatorParts& parts, const std::vector<std::string>& volsers) {
  std::vector<OrderLine> lines;
  for (std::size_t first = 0; first < volsers.size(); first += kEvictedTogether) {
    const auto last = std::min(volsers.size(), first + kEvictedTogether);
    const std::vector<std::string> some(volsers.begin() + static_cast<std::ptrdiff_t>(first),
                                        volsers.begin() + static_cast<std::ptrdiff_t>(last));
    auto done = evict_some(parts, some);
    if (done) {
      std::ranges::move(*done, std::back_inserter(lines));
      continue;
    }
    // What stands in the way of one volume stops the change of them all, and is told of that one alone.
    for (const auto& volser : some) {
      auto alone = evict_some(parts, {volser});
      lines.push_back(alone ? std::move(alone->front()) : OrderLine::refused(volser, alone.error()));
    }
  }
  parts.wake_up();
  return lines;
}

}  // namespace tapewarden::engine

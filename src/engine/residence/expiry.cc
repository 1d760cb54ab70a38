#include "engine/residence/expiry.h"

namespace tapewarden::engine {
namespace {

// A private volume has no such time: one that was left behind would stand before the others for ever.
Status forget_time(Catalogue& catalogue, const std::vector<std::string>& volsers) {
  if (volsers.empty()) return {};
  return catalogue.change([&](CatalogueChange& change) -> Status {
    for (const auto& volser : volsers) {
      LogicalVolume volume = TRY(change.volume(volser));
      if (volume.category != Category::kPrivate) continue;
      volume.delete_after.reset();
      TRY(change.put(volume));
    }
    return {};
  });
}

}  // namespace

void delete_content(LogicalVolume& volume) {
  volume.deleted_generation = volume.generation;
  volume.delete_after.reset();
  volume.stamp.clear();
  volume.primary.reset();
  volume.secondary.reset();
  volume.primary_due = false;
  volume.secondary_due = false;
}

Result<std::size_t> delete_expired(Catalogue& catalogue, CachedVolumes& cached, WallTime now,
                                   std::size_t limit) {
  std::vector<std::string> expired;
  std::vector<std::string> of_private;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    for (const auto& volume : TRY(view.expired(now, limit)))
      (volume.category == Category::kScratch ? expired : of_private).push_back(volume.volser);
    return {};
  }));
  TRY(forget_time(catalogue, of_private));
  if (expired.empty()) return 0;
  return cached.drop(expired, [now](CatalogueChange&, LogicalVolume& volume) -> Result<bool> {
    const bool may_go = volume.category == Category::kScratch && volume.mounted.empty() &&
                        volume.delete_after && *volume.delete_after <= now;
    if (may_go) delete_content(volume);
    return may_go;
  });
}

}  // namespace tapewarden::engine

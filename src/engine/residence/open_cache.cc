#include "engine/residence/cached_volumes.h"
#include "engine/residence/limits.h"

namespace tapewarden::engine {
namespace {

// Every volume that the catalogue calls cached, with its key.
Result<std::vector<VolumeCache::Known>> known_files(Catalogue& catalogue) {
  std::vector<VolumeCache::Known> known;
  PageRequest page{.limit = kCacheOpeningPage};
  do {
    TRY(catalogue.read([&](CatalogueView& view) -> Status {
      auto volumes = TRY(view.volumes({}, page));
      for (const auto& volume : volumes.items) {
        if (!volume.cached) continue;
        known.push_back({{volume.volser, volume.cache_file}, TRY(view.cache_key(volume.volser))});
      }
      page.after = std::move(volumes.next);
      return {};
    }));
  } while (!page.after.empty());
  return known;
}

std::string missing_text(const LogicalVolume& volume, bool on_tape) {
  std::string text = "the file of the volume " + volume.volser + " in the cache is missing";
  if (!on_tape) return text + ", and its content is nowhere else";
  return text + "; what a host wrote since it was put into the drive " + volume.mounted +
         " is lost, and the copy on tape is of before";
}

Status settle_missing(Catalogue& catalogue, Notices& notices, const std::string& volser,
                      OpenedCache& opened) {
  LogicalVolume volume = TRY(catalogue.volume(volser));
  const auto taken_out = catalogue.change([&](CatalogueChange& change) -> Status {
    LogicalVolume without = TRY(change.volume(volser));
    without.cached = false;
    without.cached_bytes = 0;
    TRY(change.put(without));
    return change.forget_cache_key(volser);
  });
  if (!taken_out && taken_out.error().code != ErrorCode::kConflict) return taken_out;
  if (taken_out) {
    opened.corrected.push_back(volser);
    if (volume.primary_due || volume.secondary_due) opened.due_without_file.push_back(volser);
  } else {
    opened.lost.push_back(volser);
  }
  if (!taken_out || !volume.mounted.empty())
    notices.raise(NoticeKind::kVolumeUnreadable, volser, missing_text(volume, taken_out.has_value()));
  return {};
}

}  // namespace

Result<OpenedCache> open_cache(Env env, Catalogue& catalogue, Notices& notices, const std::string& folder) {
  auto found = TRY(VolumeCache::open(env, folder, TRY(known_files(catalogue))));
  OpenedCache opened;
  opened.cache = std::move(found.cache);
  opened.removed = std::move(found.removed);
  for (const auto& content : found.missing) TRY(settle_missing(catalogue, notices, content.volser, opened));
  return opened;
}

}  // namespace tapewarden::engine

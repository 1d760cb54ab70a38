#include "engine/residence/known_files.h"

#include "engine/residence/limits.h"

namespace tapewarden::engine {

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

Result<std::vector<std::string>> whole_files_in(Disk& disk, const std::string& folder) {
  auto names = disk.list(folder);
  if (!names && names.error().code == ErrorCode::kNotFound) return std::vector<std::string>();
  if (names) std::erase_if(*names, [](const auto& name) { return !name.ends_with(kCacheFileEnding); });
  return names;
}

Result<std::optional<Uuid>> known_identity(Catalogue& catalogue) {
  std::optional<Uuid> cache;
  TRY(catalogue.read([&](CatalogueView& view) -> Status {
    cache = TRY(view.engine_state()).cache;
    return {};
  }));
  return cache;
}

Status note_identity(Catalogue& catalogue, const Uuid& cache) {
  return catalogue.change([&](CatalogueChange& change) { return change.set_cache_identity(cache); });
}

Result<bool> give_up_file(Catalogue& catalogue, const std::string& volser, FromDrive from_drive) {
  const auto give_up = [&](bool out_of_cache) {
    return catalogue.change([&](CatalogueChange& change) -> Status {
      LogicalVolume volume = TRY(change.volume(volser));
      if (from_drive == FromDrive::kYes) volume.mounted.clear();
      if (out_of_cache) {
        volume.cached = false;
        volume.cached_bytes = 0;
      }
      TRY(change.put(volume));
      return out_of_cache ? change.forget_cache_key(volser) : Status();
    });
  };
  const auto taken_out = give_up(true);
  if (taken_out) return true;
  if (taken_out.error().code != ErrorCode::kConflict) return std::unexpected(taken_out.error());
  if (from_drive == FromDrive::kYes) TRY(give_up(false));
  return false;
}

}  // namespace tapewarden::engine

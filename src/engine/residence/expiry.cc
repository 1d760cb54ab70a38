#include "engine/residence/expiry.h"

#include <vector>

namespace tapewarden::engine {
namespace {

std::uint64_t bytes_on_tape(const LogicalVolume& volume) {
  std::uint64_t bytes = 0;
  for (const auto number : {CopyNumber::kPrimary, CopyNumber::kSecondary})
    if (volume.active(number)) bytes += volume.copy(number)->bytes;
  return bytes;
}

Status delete_one(CatalogueChange& change, const LogicalVolume& volume) {
  LogicalVolume empty = volume;
  delete_content(empty);
  empty.cached = false;
  empty.cached_bytes = 0;
  TRY(change.put(empty));
  return change.forget_cache_key(empty.volser);
}

// A private volume has no such time: one that was left behind would stand before the others for ever.
Status forget_time(CatalogueChange& change, LogicalVolume volume) {
  volume.delete_after.reset();
  return change.put(volume);
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

Result<DeletedContents> delete_expired(Catalogue& catalogue,
                                       const std::function<void(const CachedContent&)>& shred, WallTime now,
                                       std::size_t limit) {
  std::vector<LogicalVolume> deleted;  // as they were
  DeletedContents sum;
  TRY(catalogue.change([&](CatalogueChange& change) -> Status {
    deleted.clear();
    const auto expired = TRY(change.expired(now, limit));
    std::size_t settled = 0;
    for (const auto& volume : expired) {
      if (!volume.mounted.empty()) continue;
      ++settled;
      if (volume.category == Category::kPrivate) {
        TRY(forget_time(change, volume));
        continue;
      }
      TRY(delete_one(change, volume));
      deleted.push_back(volume);
    }
    sum.more = settled > 0 && expired.size() >= limit;
    return {};
  }));
  for (const auto& volume : deleted) {
    ++sum.volumes;
    sum.cached_bytes += volume.cached ? volume.cached_bytes : 0;
    sum.tape_bytes += bytes_on_tape(volume);
    if (volume.cached) shred({volume.volser, volume.cache_file});
  }
  return sum;
}

}  // namespace tapewarden::engine

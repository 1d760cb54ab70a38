// Content of scratch volumes that has had its time (feature row T1). A volume that becomes scratch keeps its
// content until `delete_after`, or until a host mounts it; made private again before that, it has lost
// nothing.
#pragma once

#include <functional>

#include "engine/cache/volume_cache.h"
#include "engine/catalogue/catalogue.h"

namespace tapewarden::engine {

// The content is gone for good: no copy of it counts any more, and nothing is due.
void delete_content(LogicalVolume& volume);

struct DeletedContents {
  std::size_t volumes = 0;
  std::uint64_t cached_bytes = 0;  // shredded
  std::uint64_t tape_bytes = 0;    // of active copies, now inactive
  bool more = false;               // there may be more whose time has come: call again
};

// Deletes the content of up to `limit` volumes whose time has come, those due longest first: copies on tape
// do not count any more, `shred` is told of each file of the cache when that is durable, and the deletion
// stands among CatalogueView::deleted_volumes(). Volumes that are private or mounted by now are left alone.
// Thread-safe as `shred` is. Errors of the catalogue.
Result<DeletedContents> delete_expired(Catalogue& catalogue,
                                       const std::function<void(const CachedContent&)>& shred, WallTime now,
                                       std::size_t limit);

}  // namespace tapewarden::engine

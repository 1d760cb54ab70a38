// Content of scratch volumes that has had its time (feature row T1). A volume that becomes scratch keeps its
// content until `delete_after`, or until a host mounts it; made private again before that, it has lost
// nothing.
#pragma once

#include "engine/residence/cached_volumes.h"

namespace tapewarden::engine {

// The content is gone for good: no copy of it counts any more, and nothing is due.
void delete_content(LogicalVolume& volume);

// Deletes the content of up to `limit` volumes whose time has come, those due longest first: copies on tape
// do not count any more, the cache's file is shredded, and the deletion stands among
// CatalogueView::deleted_volumes(). How many; fewer than `limit`: there are no more. Volumes that are
// private or mounted by now are left alone. Thread-safe. Errors of CachedVolumes::drop().
Result<std::size_t> delete_expired(Catalogue& catalogue, CachedVolumes& cached, WallTime now,
                                   std::size_t limit);

}  // namespace tapewarden::engine

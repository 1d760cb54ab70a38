// The files of the cache as orders of operators look at them (parts.h). Thread-safe; borrows the cache.
#pragma once

#include "engine/operator/parts.h"
#include "engine/residence/cached_volumes.h"

namespace tapewarden::engine {

class FilesOfCache final : public CacheFiles {
 public:
  explicit FilesOfCache(CachedVolumes& cached) : cached_(cached) {}
  Status look_at(const LogicalVolume& volume) override { return cached_.look_at_file(volume); }

 private:
  CachedVolumes& cached_;
};

}  // namespace tapewarden::engine

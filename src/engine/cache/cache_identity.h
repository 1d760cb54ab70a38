// Which cache a folder is (feature row T5, docs/formats/cache-file.md): a file in it that bears a random id.
// So an empty mount point, or another engine's cache, is never taken for a cache that has lost its files.
// Functions of the disk that they are given; thread-safe as it is.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::engine {

// Its name in the folder.
inline constexpr std::string_view kCacheIdentityFile = "cache-id";

// Nothing when there is no such file, or no such folder. kCorrupt when the file holds no id; errors of the
// disk.
Result<std::optional<Uuid>> read_cache_identity(Disk& disk, const std::string& folder);
// Makes the folder when it is missing; durable when it returns. Errors of the disk.
Status write_cache_identity(Disk& disk, const std::string& folder, const Uuid& cache);

// Whether the folder is that cache. kIo saying what is there instead, and what to do.
Status check_cache_identity(Disk& disk, const std::string& folder, const Uuid& cache);

}  // namespace tapewarden::engine

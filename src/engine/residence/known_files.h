// What the catalogue says is in the cache's folder, and which folder that is. Internal to engine/residence/.
#pragma once

#include <string>
#include <vector>

#include "engine/cache/volume_cache.h"
#include "engine/catalogue/catalogue.h"

namespace tapewarden::engine {

// Every volume that the catalogue calls cached, with its key. Errors of the catalogue.
Result<std::vector<VolumeCache::Known>> known_files(Catalogue& catalogue);
// The identity of the cache that the catalogue has; nothing: it has none yet.
Result<std::optional<Uuid>> known_identity(Catalogue& catalogue);
Status note_identity(Catalogue& catalogue, const Uuid& cache);

// Names of the whole files of volumes in the folder, whoever's they are, sorted. A folder that is not there
// has none. Errors of the disk.
Result<std::vector<std::string>> whole_files_in(Disk& disk, const std::string& folder);

// Takes the volume out of the cache when its content is on tape; false: it is nowhere else, and stays as it
// is. With `from_drive` it is in no drive any more, in either case.
enum class FromDrive : std::uint8_t { kNo, kYes };
Result<bool> give_up_file(Catalogue& catalogue, const std::string& volser, FromDrive from_drive);

}  // namespace tapewarden::engine

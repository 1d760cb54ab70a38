// An image on tape on its way into the cache, and whether it is the one that the catalogue says lies there.
#pragma once

#include <atomic>
#include <optional>

#include "engine/catalogue/volume.h"
#include "engine/physical/mounted_cartridge.h"
#include "engine/residence/cached_volumes.h"

namespace tapewarden::engine {

// Opens the image of that copy. kMedium when another one stands there. REQUIRES: the volume has the copy.
Result<ImageHeader> open_copy(MountedCartridge& tape, const LogicalVolume& volume, CopyNumber copy);

// The copy's bytes in the partial file(s), synced: nothing then, or else the error of the tape, with its
// fault; kInterrupted when `ending` became true. Errors of the cache's disk are this function's. REQUIRES:
// the volume has the copy.
Result<std::optional<Error>> read_copy(MountedCartridge& tape, const LogicalVolume& volume, CopyNumber copy,
                                       Disk& disk, const std::string& path, const std::atomic<bool>& ending);

}  // namespace tapewarden::engine

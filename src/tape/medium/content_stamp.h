// A short name for what a cartridge file holds: equal as long as nothing that a host wrote has changed.
// Loading, reading and unloading keep it; so a keeper of copies knows whether a copy is still one.
#pragma once

#include "base/bytes.h"
#include "base/env.h"

namespace tapewarden::tape {

// SHA-256 over the file's length, its last sync mark and sessions, the key areas' content, the attributes
// that hosts write, and who manages the key; where there is a second partition, over the same of its file.
// What the drive counts by itself (loads, megabytes) stays out. Of a file that nobody writes to. kNotFound,
// kInvalidArgument when the file is no cartridge, kCorrupt, kIo.
Result<Hash256> content_stamp(Disk& disk, const std::string& path);

}  // namespace tapewarden::tape

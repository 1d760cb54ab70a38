// Folders that lie on tape. A backup on a cartridge that the server's own keys seal could be read only with
// the keys that it was to bring back, so no such target counts. What shows itself as a tape file system is
// found here; whether a copied folder goes to tape later only people know (docs/operating/backup.md). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/env.h"

namespace tapewarden::keymgr::backup {

// `mounts`: lines of /proc/self/mountinfo, proc(5). True when the file system that holds `directory` is LTFS.
bool lies_on_tape(std::string_view mounts, std::string_view directory);
// The system's own mounts; empty where they cannot be read.
std::string system_mounts(Disk& disk);

}  // namespace tapewarden::keymgr::backup

// The content stamp of a logical volume's file with its second partition.
#pragma once

#include <string>

#include "base/env.h"

namespace tapewarden::engine {

// tape::content_stamp() of the cartridge file at `path`, followed by that of its partition 1 when it has one:
// the first file's stamp does not know of what was written there. Errors of tape::content_stamp().
Result<Bytes> volume_stamp(Disk& disk, const std::string& path);

}  // namespace tapewarden::engine

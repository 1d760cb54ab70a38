// A logical volume's file with its second partition: its content stamp, and its durability.
#pragma once

#include <string>

#include "base/env.h"

namespace tapewarden::engine {

// tape::content_stamp(), which covers both partitions, as the catalogue keeps it. Errors of that.
Result<Bytes> volume_stamp(Disk& disk, const std::string& path);

// What is in the files is durable, also when a program that was killed had not synced it: a stamp is then
// that of a content that stays. kIo.
Status sync_volume(Disk& disk, const std::string& path);

}  // namespace tapewarden::engine

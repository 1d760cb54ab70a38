// The file engine-id beside the catalogue: whose catalogue it is, and whose name stands in the labels of the
// cartridges. A line of text; not a secret.
#pragma once

#include <optional>
#include <string>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::apps {

// Nothing when there is no such file. kCorrupt when it holds something else; kIo.
Result<std::optional<Uuid>> read_engine_id(Disk& disk, const std::string& path);
// Durable when it returns; an older one is replaced. kIo, kExhausted.
Status write_engine_id(Disk& disk, const std::string& path, const Uuid& id);

}  // namespace tapewarden::apps

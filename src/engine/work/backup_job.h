// The backup of the catalogue on a cartridge that takes more (feature row T12; when: backup_due.h).
#pragma once

#include <memory>

#include "engine/work/work_state.h"

namespace tapewarden::engine {

// What a backup made now tells.
Result<BackedUp> to_be_backed_up(CatalogueView& view);

// When it is due: onto a cartridge that is filling, one that is encrypted before one in clear. Only who
// ordered it has a scratch cartridge begun for it; where there is none the order waits.
Result<std::unique_ptr<Job>> pick_backup(WorkState& state);

}  // namespace tapewarden::engine

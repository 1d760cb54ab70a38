// What was asked for and is not needed any more, or not now: looked at before work is picked.
#pragma once

#include "engine/work/work_state.h"

namespace tapewarden::engine {

// While somebody waits for room in the cache, copies that reclaim made due (StageJob) to a pool that cannot
// be written now are taken back: what they are of lies on its old cartridge as before, and may leave the
// cache. Reclaim makes them due again, after a pause: those who wait have the room first. True: there were
// such.
Result<bool> take_back_staged(WorkState& state);

// A pool to which nothing is due, and into which nothing is to be moved, lacks neither cartridges nor drives:
// the interventions of its name end.
Status clear_wants(WorkState& state);

}  // namespace tapewarden::engine

// Cartridges that are being filled, and that nobody will fill any more (feature rows T3, T6): their pool
// takes other ones now, or nothing of now lies on them and nothing is due for their pool. They are closed, so
// that reclaim looks at them, or that they are given back.
#pragma once

#include "engine/work/work_state.h"

namespace tapewarden::engine {

// Whether there were any.
Result<bool> close_left_behind(WorkState& state);

}  // namespace tapewarden::engine

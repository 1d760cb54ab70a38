// Cartridges that are in drives of which nobody has work: it was cut off there, or could not put them away.
// They go back to their slots first, because whoever wants one of them may be given another drive.
#pragma once

#include <memory>

#include "engine/work/work_state.h"

namespace tapewarden::engine {

std::unique_ptr<Job> pick_put_away(WorkState& state);

}  // namespace tapewarden::engine

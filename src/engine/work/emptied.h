// Cartridges on which nothing of now lies any more (feature rows T6, T13): scratch again, or overwritten
// first.
//
//   full, closed --tidy_emptied()--> scratch, of the pool where it belongs
//   full, closed --tidy_emptied()--> awaiting erase --EraseJob--> scratch      (pools with secure-erase days)
//   full, closed --tidy_emptied()--> damaged       (its note says that it could not be read or written)
//
// One that a rebuild of the catalogue could not read, or with a content that it did not take, stays as it is.
#pragma once

#include <memory>

#include "engine/work/job_mount.h"

namespace tapewarden::engine {

// Settles those that are emptied now; whether there were any.
Result<bool> tidy_emptied(WorkState& state);

// Overwriting takes hours, so it is done when there is nothing else to do, or when it is urgent: a day before
// the last one that the pool gives it after its last data became inactive.
enum class EraseUrgency : std::uint8_t { kUrgent, kAny };
Result<std::unique_ptr<Job>> pick_erase(WorkState& state, EraseUrgency urgency);

}  // namespace tapewarden::engine

// Drives that the key servers refused (MountFault::kDriveKeys) come online again after a pause, which grows:
// somebody may have accepted the drive, pinned its new certificate or changed an access rule, and only an
// exchange tells. The intervention stays open until the drive has got a key. One whose connection breaks
// meanwhile is no longer this file's: whoever can renew it asks it again (PhysicalDriveStatus::asked_again).
//
//   online --PhysicalDrive::note_refused()--> offline --BringBackJob--> online, to be tried --> served
//                                                ^                            |
//                                                +------- note_refused() -----+
#pragma once

#include <memory>

#include "engine/work/work_state.h"

namespace tapewarden::engine {

std::unique_ptr<Job> pick_bring_back(WorkState& state);

}  // namespace tapewarden::engine

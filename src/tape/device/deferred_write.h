// Blocks that a host was told are taken and that are not on the cartridge yet: the drive's buffer in buffered
// mode (SSC-4 section 4.2.14). They are written while the host sends its next ones, and in any case before
// anything else is done with the drive; so nobody sees a difference, but for a disk that fails: that is told
// with the next command that writes or syncs. Not thread-safe; belongs to one drive.
//
// Invariants
//  1. Blocks are taken only where they go on with the running write session of a cartridge that takes them,
//     and neither a warning nor an end, of the cartridge or of the disk, comes before or with them.
//  2. One command's blocks wait at most, and nothing of the drive changes while they do.
#pragma once

#include "tape/device/drive_state.h"

namespace tapewarden::tape {

// Whether a command's blocks may be taken now and written later, as far as that is known before its session
// is.
bool may_defer(const DriveState& drive, const scsi::Command& command, std::size_t blocks, std::size_t bytes);
// Takes them, in pieces of `block` bytes. False when they do not go on with the session; then nothing was
// done. REQUIRES: may_defer(), then prepare_write().
bool defer(DriveState& drive, const scsi::Command& command, std::size_t block, std::size_t bytes);
// Writes what waits.
void catch_up(DriveState& drive);
// It is lost with the power.
inline void lose_deferred(DriveState& drive) {
  drive.deferred.reset();
}

}  // namespace tapewarden::tape

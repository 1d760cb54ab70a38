// The disk under the cartridge as part of the end of the tape: an initiator is warned, and then refused,
// while everything that it was promised can still be written. Not thread-safe; belongs to one drive.
#pragma once

#include "tape/device/drive_state.h"

namespace tapewarden::tape {

enum class DiskRoom : std::uint8_t {
  kEnough,
  kShort,  // early warning
  kNone,   // filemarks and syncs only
};
// kEnough when nobody told how to ask (DriveOptions::free_bytes), or when it cannot be told.
DiskRoom disk_room(const DriveState& drive);
// Asks, and notes when and whether it was enough.
DiskRoom note_disk_room(DriveState& drive);

}  // namespace tapewarden::tape

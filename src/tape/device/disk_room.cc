#include "tape/device/disk_room.h"

#include "tape/device/limits.h"

namespace tapewarden::tape {

DiskRoom disk_room(const DriveState& drive) {
  if (!drive.options.free_bytes) return DiskRoom::kEnough;
  const auto free = drive.options.free_bytes(drive.cartridge_path);
  if (!free || *free >= kDiskWarningBytes) return DiskRoom::kEnough;
  return *free >= kDiskReserveBytes ? DiskRoom::kShort : DiskRoom::kNone;
}

DiskRoom note_disk_room(DriveState& drive) {
  const auto room = disk_room(drive);
  drive.room = {room == DiskRoom::kEnough, drive.env.clock->steady_now()};
  return room;
}

}  // namespace tapewarden::tape

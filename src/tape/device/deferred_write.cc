#include "tape/device/deferred_write.h"

#include "base/assert.h"
#include "tape/device/disk_room.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {

bool may_defer(const DriveState& drive, const scsi::Command& command, std::size_t blocks, std::size_t bytes) {
  if (drive.deferred || !drive.cartridge || drive.mounted_read_only) return false;
  if (!command.keep || drive.buffered_mode == 0 || drive.protection.write()) return false;
  if (blocks == 0 || bytes > kMaxDeferredBytes) return false;
  const auto& known = drive.room;
  if (!known.enough || drive.env.clock->steady_now() - known.asked >= kRoomKnownFor) return false;
  return drive.cartridge->writes_on(blocks, bytes) && !drive.cartridge->at_beginning();
}

bool defer(DriveState& drive, const scsi::Command& command, std::size_t block, std::size_t bytes) {
  // The session that prepare_write() chose may be another than the one that runs.
  if (!drive.cartridge->writes_on(bytes / block, bytes)) return false;
  drive.deferred = DeferredWrite{command.data_out.first(bytes), block, command.keep};
  return true;
}

void catch_up(DriveState& drive) {
  if (!drive.deferred) return;
  const auto waiting = *std::exchange(drive.deferred, std::nullopt);
  for (auto rest = waiting.data; !rest.empty(); rest = rest.subspan(waiting.block)) {
    if (drive.cartridge->write_record(rest.first(waiting.block))) continue;
    // It stays with the cartridge, which takes no more and says so at the next write or sync.
    TW_ASSERT(!drive.cartridge->writable());
    break;
  }
  if (drive.env.clock->steady_now() - drive.room.asked >= kRoomKnownFor / 2) note_disk_room(drive);
}

}  // namespace tapewarden::tape

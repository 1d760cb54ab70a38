// Copies of logical volumes from the cache to the cartridges of a pool (feature rows T4, T5).
//
// A logical volume always exists in full in the cache or on a readable cartridge:
//
//            host unmounts it           commit: image synced
//   [cache] ----------------> [cache, due] ----------------> [cache + tape] --evicted--> [tape]
//                                  ^  |                           ^                         |
//              a host takes it:    |  | full, error, power loss:  |      finish_arrival():  |
//              not committed       +--+ written anew later        +---- whole file synced --+
//
//  1. An image counts from the one commit after its filemark was synced: cartridge and copy together. Before
//     that the volume is due as before, and its file cannot leave the cache.
//  2. That commit is made only when no host has taken the volume since before its file was opened, and the
//     volume is still of the generation that the header says.
//  3. A volume does not span cartridges: one that meets the end is written anew on the next cartridge.
#pragma once

#include <memory>

#include "engine/work/pool_writer.h"

namespace tapewarden::engine {

// The pool whose oldest due copy waits longest, of those that a free drive can serve. `did_something`:
// volumes that must be recalled first were asked for, few at a time, and none that could not be written then
// (may_come_for()).
Result<std::unique_ptr<Job>> pick_migration(WorkState& state, bool& did_something);

class MigrateJob final : public Job {
 public:
  MigrateJob(WorkState& state, DriveDesk::Claim drive, PoolSeats::Seat seat, std::uint8_t pool,
             CopyNumber copy)
      : state_(state),
        drive_(std::move(drive)),
        seat_(std::move(seat)),
        pool_(pool),
        copy_(copy),
        writer_(state, drive_.station(), pool, PoolWriter::LeavesLast::kYes) {}
  Status run() override;

 private:
  enum class Ended : std::uint8_t {
    kWell,
    kSkipped,  // not this volume, not now
    kFull,     // the cartridge takes no more; the volume comes next
    kStop,     // nothing more can be written now
  };
  Status work();
  Result<std::vector<LogicalVolume>> batch();
  Result<Ended> write_one(const std::string& volser);
  Result<Ended> write_image(const LogicalVolume& volume, VolumeDesk::CopyId copy);
  // It comes from a pool that encrypts, and would be written in clear (clear_hold.h): told, and left alone.
  Result<bool> is_held(const LogicalVolume& volume);
  // Brings the bytes of the image onto the tape.
  Result<Ended> stream(const LogicalVolume& volume, VolumeDesk::CopyId copy);
  Ended given_up();
  Result<Ended> tape_failed(const Error& error);
  Result<Ended> full(const LogicalVolume& volume);
  Ended too_large(const LogicalVolume& volume);
  // False: it does not count (PoolWriter::commit()).
  Result<bool> count(const LogicalVolume& volume, const WrittenImage& image);
  bool is_due(const LogicalVolume& volume) const;

  WorkState& state_;
  DriveDesk::Claim drive_;
  PoolSeats::Seat seat_;
  const std::uint8_t pool_;
  const CopyNumber copy_;
  PoolWriter writer_;
};

}  // namespace tapewarden::engine

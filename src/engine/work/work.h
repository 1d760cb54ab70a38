// The work with tape (feature rows T4 to T9, T13, K9): copies of logical volumes to cartridges, bringing them
// back, reclaim, moves, new key labels and erasing. Which of it is done next by which drive is settled here.
//
// Thread-safe: the program calls step() from one thread for each drive; tests call it by hand. Nothing
// sleeps within it. All that it is given outlives it.
//
// Invariants
//  1. A drive, a cartridge and a copy of a volume belong to one job at a time; what a job needs at its begin
//     it gets together or not at all, so no two jobs wait for each other.
//  2. Hosts come first: recalls before everything else, and who writes ends for them after the image that he
//     is at. What needs two drives waits for them no longer than kPairPatience and an image: then each drive
//     that becomes free is left to it.
//  3. What a volume's content is, and where, stands in the catalogue alone: work that is cut off anywhere is
//     found again by the next step.
#pragma once

#include <memory>
#include <optional>

#include "engine/meter.h"
#include "engine/notices.h"
#include "engine/residence/cached_volumes.h"
#include "engine/volume_desk.h"
#include "engine/work/catalogue_backup.h"
#include "engine/work/claims.h"
#include "engine/work/drive_desk.h"
#include "engine/work/reclaim_schedule.h"
#include "engine/work/trace_book.h"

namespace tapewarden::engine {

struct WorkState;
class Job;

// What the work with tape is done with. Borrowed.
struct WorkParts {
  Env env;  // the engine's own disk, where backups of the catalogue are made
  Catalogue& catalogue;
  CachedVolumes& cached;
  VolumeDesk& desk;
  Notices& notices;
  CatalogueBackup* backup = nullptr;  // none: cartridges are filled without one
  Meter* meter = &no_meter();
};

struct WorkOptions {
  Uuid engine{};  // on the labels of its cartridges
  // Fewer drives online than this that encrypt with keys of the engine: an intervention (T9).
  std::size_t capable_drives = 0;
  // Cartridges that take more get a backup of the catalogue by themselves, too (backup_due.h).
  bool early_backups = false;
};

class Work {
 public:
  Work(WorkParts parts, std::vector<WorkDrive> drives, WorkOptions options);
  ~Work();

  // Does the most urgent piece of work that can be done now, to its end. False: there was none. Errors are
  // those of the catalogue and of the cache's disk; the work is tried again later.
  Result<bool> step() TW_EXCLUDES(pick_);
  // When something that was put off is due again, on the steady clock; nothing: wait until the desk wakes.
  std::optional<SteadyTime> next_attempt() const;
  // What was put off is tried at once: an operator has changed something.
  void try_again();

  // A backup of the catalogue is written onto a cartridge as soon as a drive is free; durable when it
  // returns. kUnsupported: there is nothing to make one. Errors of the catalogue.
  Status order_backup();

  // The program ends: nothing more is begun, and what is under way ends at the next megabyte of an image,
  // which then counts for nothing: it is found again after the next start. Cartridges are put away. A mount,
  // the overwriting of a cartridge and a backup of the catalogue that have begun come to their end.
  void end_soon();

  // No work begins with the cartridge as long as the claim lives. Nothing: work with it is under way.
  std::optional<Claims::Claim> claim_cartridge(const std::string& barcode);

  // When reclaim is not to begin. kInvalidArgument.
  Status set_reclaim_schedule(ReclaimSchedule schedule) TW_EXCLUDES(pick_);
  ReclaimSchedule reclaim_schedule() const TW_EXCLUDES(pick_);

  const TraceBook& traces() const;
  const DriveDesk& drives() const;
  DriveDesk& drives();

 private:
  Result<std::unique_ptr<Job>> pick(bool& did_something) TW_REQUIRES(pick_);
  Result<std::unique_ptr<Job>> pick_background(bool inhibited) TW_REQUIRES(pick_);
  void watch_disks();
  void watch_drives();

  const std::unique_ptr<WorkState> state_;
  mutable Mutex pick_;
  ReclaimSchedule schedule_ TW_GUARDED_BY(pick_);
};

}  // namespace tapewarden::engine

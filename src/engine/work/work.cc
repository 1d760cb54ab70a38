#include "engine/work/work.h"

#include "engine/work/backup_job.h"
#include "engine/work/bring_back.h"
#include "engine/work/clear_hold.h"
#include "engine/work/emptied.h"
#include "engine/work/held_pools.h"
#include "engine/work/left_behind.h"
#include "engine/work/limits.h"
#include "engine/work/migrate.h"
#include "engine/work/not_needed.h"
#include "engine/work/put_away.h"
#include "engine/work/recall.h"
#include "engine/work/reclaim.h"
#include "engine/work/rekey_job.h"
#include "engine/work/work_state.h"

namespace tapewarden::engine {
namespace {

const std::string kCapableDrives = "encryption-capable drives";
const std::string kStepPause = "step";

}  // namespace

Work::Work(WorkParts parts, std::vector<WorkDrive> drives, WorkOptions options)
    : state_(std::make_unique<WorkState>(parts, std::move(drives), options)) {}

Work::~Work() = default;

const TraceBook& Work::traces() const {
  return state_->traces;
}
const DriveDesk& Work::drives() const {
  return state_->drives;
}
DriveDesk& Work::drives() {
  return state_->drives;
}
std::optional<SteadyTime> Work::next_attempt() const {
  return state_->pauses.next_end();
}
std::optional<Claims::Claim> Work::claim_cartridge(const std::string& barcode) {
  return state_->cartridges.claim(barcode);
}
void Work::try_again() {
  state_->pauses.clear_all();
  state_->too_large.clear();
  state_->parts.desk.wake();
}

Status Work::order_backup() {
  if (state_->parts.backup == nullptr)
    return fail(ErrorCode::kUnsupported, "there is nothing that makes a backup of the catalogue",
                "catalogue");
  TRY(state_->parts.catalogue.change([](CatalogueChange& change) { return change.order_backup(); }));
  try_again();
  return {};
}

void Work::end_soon() {
  state_->ending = true;
}

Status Work::set_reclaim_schedule(ReclaimSchedule schedule) {
  TRY(schedule.check());
  const MutexLock lock(pick_);
  schedule_ = std::move(schedule);
  return {};
}

ReclaimSchedule Work::reclaim_schedule() const {
  const MutexLock lock(pick_);
  return schedule_;
}

Result<bool> Work::step() {
  if (state_->ending || state_->pauses.paused(kStepPause)) return false;
  bool did_something = false;
  std::unique_ptr<Job> job;
  Status done;
  {
    const MutexLock lock(pick_);
    watch_drives();
    watch_disks();
    auto picked = pick(did_something);
    if (picked)
      job = *std::move(picked);
    else
      done = std::unexpected(picked.error());
  }
  if (job) {
    done = job->run();
    job.reset();
    did_something = true;
    watch_drives();
    state_->parts.desk.wake();  // a drive and a cartridge are free again
  }
  if (!done) {
    // What the job worked on has a pause of its own, which grows; other work does not wait for it.
    state_->pauses.clear(kStepPause);
    state_->pauses.put_off(kStepPause, kShortPause);
    return std::unexpected(done.error());
  }
  if (did_something) state_->pauses.clear(kStepPause);
  return did_something;
}

Result<std::unique_ptr<Job>> Work::pick(bool& did_something) {
  if (auto job = pick_put_away(*state_)) return job;
  if (auto job = pick_bring_back(*state_)) return job;
  if (TRY(close_left_behind(*state_))) did_something = true;
  if (TRY(tidy_emptied(*state_))) did_something = true;
  if (TRY(take_back_staged(*state_))) did_something = true;
  TRY(clear_wants(*state_));
  TRY(clear_held(*state_));
  TRY(watch_held_pools(state_->parts.catalogue, state_->parts.notices));
  if (auto job = TRY(pick_recall(*state_, did_something))) return job;
  if (auto job = TRY(pick_erase(*state_, EraseUrgency::kUrgent))) return job;
  const bool inhibited = schedule_.inhibits(state_->now());
  state_->reclaim_inhibited = inhibited;
  TRY(watch_pair(*state_, inhibited));
  const bool overdue = state_->pair.overdue(state_->steady_now()).has_value();
  if (overdue)
    if (auto job = TRY(pick_reclaim(*state_, inhibited))) return job;
  if (auto job = TRY(pick_migration(*state_, did_something))) return job;
  if (auto job = TRY(pick_background(inhibited))) return job;
  if (auto job = TRY(pick_erase(*state_, EraseUrgency::kAny))) return job;
  return pick_backup(*state_);
}

// Reclaim and rekeys take turns: a retiring KEK need not wait until nothing is left to reclaim, nor pools
// that are short of scratch cartridges for ten thousand rekeys.
Result<std::unique_ptr<Job>> Work::pick_background(bool inhibited) {
  bool& reclaim_turn = state_->reclaim_turn;
  for (int turn = 0; turn < 2; ++turn) {
    const bool reclaim = turn == 0 ? reclaim_turn : !reclaim_turn;
    auto job = reclaim ? TRY(pick_reclaim(*state_, inhibited)) : TRY(pick_rekey(*state_));
    if (!job) continue;
    reclaim_turn = !reclaim;
    return job;
  }
  return nullptr;
}

// What stopped for lack of room goes on by itself.
void Work::watch_disks() {
  bool room_again = false;
  for (const auto* station : state_->drives.stations())
    if (!station->disk_is_short() &&
        state_->parts.notices.clear(NoticeKind::kDiskFull, station->library_name(), "there is room again"))
      room_again = true;
  if (room_again) state_->pauses.clear_all();
}

// T9: what an operator should know of drives.
void Work::watch_drives() {
  auto& notices = state_->parts.notices;
  for (const auto* drive : state_->drives.drives()) {
    const auto status = drive->status();
    if (status.state == PhysicalDriveStatus::State::kOffline)
      notices.raise(NoticeKind::kDriveOffline, drive->serial(),
                    drive->name() + " is offline: " + status.reason);
    else if (!status.refused)  // one that is tried again says so when it has got a key
      (void)notices.clear(NoticeKind::kDriveOffline, drive->serial(), drive->name() + " is online");
  }
  const auto least = state_->options.capable_drives;
  const auto capable = state_->drives.capable();
  if (capable < least)
    notices.raise(NoticeKind::kDriveOffline, kCapableDrives,
                  std::to_string(capable) + " drives are online that can encrypt; there should be " +
                      std::to_string(least));
  else
    (void)notices.clear(NoticeKind::kDriveOffline, kCapableDrives, "there are enough of them again");
}

}  // namespace tapewarden::engine

#include "engine/work/backup_job.h"

#include <algorithm>
#include <tuple>

#include "engine/catalogue/limits.h"
#include "engine/work/pool_writer.h"

namespace tapewarden::engine {
namespace {

const std::string kBackupPause = "backup of the catalogue";

class BackupJob final : public Job {
 public:
  BackupJob(WorkState& state, Claims::Claim one, DriveDesk::Claim drive, PoolSeats::Seat seat,
            std::uint8_t pool, PoolWriter::Begins begins)
      : state_(state),
        one_(std::move(one)),
        drive_(std::move(drive)),
        seat_(std::move(seat)),
        writer_(state, drive_.station(), pool, PoolWriter::LeavesLast::kNo, begins) {}

  Status run() override {
    const auto done = work();
    const auto away = writer_.end();
    return done ? away : done;
  }

 private:
  Status work() {
    // Where it is in vain another pool's turn comes, or the pause ends.
    state_.pauses.put_off(kBackupPause, kFirstPause);
    if (TRY(writer_.ready()) && TRY(writer_.back_up())) state_.pauses.clear(kBackupPause);
    return {};
  }

  WorkState& state_;
  Claims::Claim one_;  // there is no other
  DriveDesk::Claim drive_;
  PoolSeats::Seat seat_;
  PoolWriter writer_;
};

// A pool whose cartridges could take it.
struct Place {
  Pool pool;
  bool scratch = false;  // one must be begun for it
};

bool encrypts(const Pool& pool) {
  return pool.encryption != PoolEncryption::kOff;
}

// Encrypted before clear, and what is filling before what is scratch.
Result<std::vector<Place>> places(CatalogueView& view) {
  std::vector<Place> out;
  for (auto& pool : TRY(view.pools())) {
    if (pool.number == kCommonPool || pool.encryption == PoolEncryption::kHeld) continue;
    const bool filling = !TRY(view.filling(pool.number, pool.media, 1)).empty();
    const bool scratch = !TRY(view.scratch_cartridges(pool.number, pool.media, 1)).empty();
    if (filling || scratch) out.push_back({std::move(pool), !filling});
  }
  std::ranges::sort(out, {}, [](const Place& place) {
    return std::tuple(place.scratch, !encrypts(place.pool), place.pool.number);
  });
  return out;
}

// The cartridge may be emptied like any other one, and be begun anew.
Result<bool> is_still_there(CatalogueView& view, const BackupPlace& last) {
  const auto on = TRY(view.find_cartridge(last.barcode));
  if (!on || on->medium != last.medium) return false;
  return readable(on->state) || on->state == CartridgeState::kEjected ||
         on->state == CartridgeState::kExported;
}

struct Wanted {
  bool ordered = false;
  std::vector<Place> places{};
};

Result<Wanted> look(WorkState& state) {
  Wanted out;
  BackedUp now;
  bool lost = false;
  const auto last = state.backup_due.place();
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    out.ordered = TRY(view.engine_state()).backup_ordered != 0;
    now = TRY(to_be_backed_up(view));
    out.places = TRY(places(view));
    lost = last && !TRY(is_still_there(view, *last));
    return {};
  }));
  if (lost) state.backup_due.lost();
  if (out.ordered) return out;
  if (!state.options.early_backups) return Wanted{};
  std::erase_if(out.places, [](const Place& place) { return place.scratch; });
  const auto since = state.backup_due.since(now, state.steady_now());
  if (since && state.steady_now() - *since >= kBackupPatience) return out;
  if (since) state.pauses.put_off(kBackupPause, kBackupPatience);  // somebody looks again then
  return Wanted{};
}

}  // namespace

Result<BackedUp> to_be_backed_up(CatalogueView& view) {
  BackedUp out{.pools = TRY(view.pools()),
               .groups = TRY(view.storage_groups()),
               .classes = TRY(view.management_classes())};
  for (const auto& total : TRY(view.cartridge_totals()))
    if (total.key.state == CartridgeState::kClosed || total.key.state == CartridgeState::kEjected ||
        total.key.state == CartridgeState::kExported)
      out.closed += total.sums.cartridges;
  return out;
}

Result<std::unique_ptr<Job>> pick_backup(WorkState& state) {
  if (state.parts.backup == nullptr || state.pauses.paused(kBackupPause)) return nullptr;
  auto one = state.copies.claim(kBackupPause);
  if (!one) return nullptr;
  const auto wanted = TRY(look(state));
  for (const auto& [pool, scratch] : wanted.places) {
    const bool no_keys = encrypts(pool) && state.pauses.paused(kKeysPause);
    if (no_keys || state.pauses.paused(pool_name(pool.number))) continue;
    auto seat = state.seats.take(pool.number, pool.max_drives);
    if (!seat) continue;
    std::optional<DriveDesk::Claim> drive;
    for (const auto& need : TRY(needs_of(state, pool)))
      if (!drive) drive = state.claim_one(need);
    if (!drive) continue;
    const auto begins = wanted.ordered ? PoolWriter::Begins::kYes : PoolWriter::Begins::kNo;
    return std::make_unique<BackupJob>(state, *std::move(one), *std::move(drive), *std::move(seat),
                                       pool.number, begins);
  }
  return nullptr;
}

}  // namespace tapewarden::engine

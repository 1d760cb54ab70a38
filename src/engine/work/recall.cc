// Which volumes are brought back, and from where. How one is, is in recall_job.cc.
#include "engine/work/recall.h"

#include <algorithm>

#include "engine/catalogue/damage_note.h"
#include "engine/work/recall_job.h"

namespace tapewarden::engine {
namespace {

Result<std::optional<PhysicalVolume>> holder(CatalogueView& view, const LogicalVolume& volume,
                                             CopyNumber copy) {
  if (!volume.active(copy)) return std::nullopt;
  auto on = TRY(view.find_cartridge(volume.copy(copy)->cartridge));
  if (!on || !readable(on->state) || on->medium != volume.copy(copy)->medium) return std::nullopt;
  return on;
}

CopyNumber other_than(CopyNumber copy) {
  return copy == CopyNumber::kPrimary ? CopyNumber::kSecondary : CopyNumber::kPrimary;
}

// The lower the better: at once before later, and from a cartridge on which one relies before another.
int rank(const WorkState& state, const LogicalVolume& volume, CopyNumber copy, const PhysicalVolume& on) {
  const bool waits = state.cartridges.claimed(on.barcode) || put_off(state, on) ||
                     state.pauses.paused(read_pause(volume.volser, copy)) ||
                     !state.drives.usable(need_of(on));
  return (waits ? 2 : 0) + (doubtful(on) ? 1 : 0);
}

Error never(const RecallPlan& plan) {
  return {.code = ErrorCode::kNotFound,
          .message = "the logical volume " + plan.volume.volser +
                     " is not in the cache, and no copy of it is on a readable cartridge of the library",
          .field = "volser",
          .remedy = "insert the cartridge that holds it, or look at what became of it"};
}

void answer(WorkState& state, const std::string& volser, const Status& outcome) {
  if (state.parts.desk.begin_recall(volser)) state.parts.desk.finish_recall(volser, outcome);
}

}  // namespace

std::string read_pause(const std::string& volser, CopyNumber copy) {
  return "read " + copy_name(volser, copy);
}

Result<RecallPlan> plan_recall(WorkState& state, const std::string& volser) {
  RecallPlan plan;
  TRY(state.parts.catalogue.read([&](CatalogueView& view) -> Status {
    plan.volume = TRY(view.volume(volser));
    if (plan.volume.cached || !plan.volume.has_content()) {
      plan.outcome = RecallPlan::Outcome::kNothing;
      return {};
    }
    std::optional<int> best;
    for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
      auto on = TRY(holder(view, plan.volume, copy));
      if (!on) continue;
      const int this_one = rank(state, plan.volume, copy, *on);
      if (best && *best <= this_one) continue;
      best = this_one;
      plan.outcome = this_one < 2 ? RecallPlan::Outcome::kNow : RecallPlan::Outcome::kLater;
      plan.copy = copy;
      plan.cartridge = *std::move(on);
    }
    return {};
  }));
  return plan;
}

namespace {

// Room that nobody waits for any more is not asked for any more.
void forget_refused(WorkState& state, const std::vector<VolumeDesk::Wanted>& wanted) {
  for (const auto& volser : state.refused.all()) {
    if (std::ranges::find(wanted, volser, &VolumeDesk::Wanted::volser) != wanted.end()) continue;
    const auto claim = state.arrivals.claim(volser);
    if (!claim) continue;
    state.parts.cached.release(volser);
    state.refused.remove(volser);
    state.pauses.clear(room_pause(volser));
  }
}

}  // namespace

Result<std::unique_ptr<Job>> pick_recall(WorkState& state, bool& did_something) {
  const auto all = state.parts.desk.wanted();
  forget_refused(state, all);
  for (const auto& wanted : all) {
    if (recall_waits(state, wanted.volser) || state.arrivals.claimed(wanted.volser)) continue;
    const auto plan = plan_recall(state, wanted.volser);
    if (!plan) {
      // A volume that is gone is that asker's trouble; a catalogue that cannot be read is everybody's.
      if (plan.error().code != ErrorCode::kNotFound) return std::unexpected(plan.error());
      answer(state, wanted.volser, std::unexpected(plan.error()));
      did_something = true;
    } else if (plan->outcome == RecallPlan::Outcome::kNothing) {
      answer(state, wanted.volser, {});
      did_something = true;
    } else if (plan->outcome == RecallPlan::Outcome::kNever) {
      const auto error = never(*plan);
      state.parts.notices.raise(NoticeKind::kVolumeUnreadable, wanted.volser, error.message);
      answer(state, wanted.volser, std::unexpected(error));
      did_something = true;
    } else if (plan->outcome == RecallPlan::Outcome::kNow) {
      auto claimed = TRY(claim_cartridge(state, plan->cartridge.barcode));
      if (!claimed || claimed->cartridge.medium != plan->cartridge.medium) continue;
      auto drive = state.drives.claim(need_of(plan->cartridge));
      if (!drive) continue;
      return std::make_unique<RecallJob>(state, *std::move(drive), std::move(claimed->claim),
                                         std::move(claimed->cartridge));
    }
  }
  return nullptr;
}

bool must_give_way(WorkState& state, const TapeStation& station, const std::string& barcode) {
  if (state.ending) return true;
  for (const auto& wanted : state.parts.desk.wanted()) {
    if (recall_waits(state, wanted.volser) || state.arrivals.claimed(wanted.volser)) continue;
    const auto plan = plan_recall(state, wanted.volser);
    if (!plan) continue;
    if (plan->outcome == RecallPlan::Outcome::kLater && plan->cartridge.barcode == barcode) return true;
    if (plan->outcome == RecallPlan::Outcome::kNow && !state.drives.free_for(need_of(plan->cartridge)) &&
        state.drives.fits(station, need_of(plan->cartridge)))
      return true;
  }
  return false;
}

namespace {

// What is left of a volume without one of its copies.
struct Left {
  bool sure = false;                         // the file in the cache, or a copy that can be relied on
  std::optional<PhysicalVolume> in_doubt{};  // else where the other copy lies
};

Result<Left> left_without(CatalogueView& view, const LogicalVolume& volume, CopyNumber copy, bool in_cache) {
  auto on = TRY(holder(view, volume, other_than(copy)));
  if (in_cache || (on && !doubtful(*on))) return Left{.sure = true};
  return Left{.in_doubt = std::move(on)};
}

// It cannot be read, and what else there is of it is in doubt: the asker is told when that was in vain too.
bool try_other(WorkState& state, const std::string& volser, CopyNumber copy, const Left& left,
               const Error& error) {
  const auto other = read_pause(volser, other_than(copy));
  const bool goes_on = left.in_doubt && !state.pauses.paused(other);
  std::string text = "the logical volume " + volser + " cannot be read: " + error.message;
  if (left.in_doubt)
    text += "; its other copy lies on cartridge " + left.in_doubt->barcode +
            ", which is in doubt too: " + left.in_doubt->note;
  state.parts.notices.raise(NoticeKind::kVolumeUnreadable, volser, text);
  if (goes_on)
    state.pauses.put_off(read_pause(volser, copy), kFirstPause);
  else
    state.pauses.clear(other);  // who asks again has both tried again
  return goes_on;
}

}  // namespace

Result<bool> note_bad_copy(WorkState& state, const std::string& volser, CopyNumber copy,
                           const std::string& barcode, std::uint8_t pool, const Error& error) {
  Left left;
  const auto known = TRY(state.parts.catalogue.volume(volser));
  const bool file_is_gone = known.cached && !state.parts.cached.path_of(known);
  TRY(state.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto volume = TRY(change.volume(volser));
    const bool in_cache = volume.cached && !(file_is_gone && volume.cache_file == known.cache_file);
    left = TRY(left_without(change, volume, copy, in_cache));
    // A key server may think better of it, and the right cartridge may come back.
    const bool for_good = fault_of(error) == MountFault::kMedium;
    if (!left.sure || !for_good || !volume.active(copy) || volume.copy(copy)->cartridge != barcode) return {};
    const bool primary = copy == CopyNumber::kPrimary;
    (primary ? volume.primary : volume.secondary).reset();
    (primary ? volume.primary_due : volume.secondary_due) = true;
    (primary ? volume.primary_pool : volume.secondary_pool) = pool;
    return change.put(volume);
  }));
  return left.sure || try_other(state, volser, copy, left, error);
}

}  // namespace tapewarden::engine

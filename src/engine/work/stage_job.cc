#include "engine/work/image_arrival.h"
#include "engine/work/limits.h"
#include "engine/work/recall.h"
#include "engine/work/reclaim.h"

namespace tapewarden::engine {

Status StageJob::run() {
  const auto done = work();
  const auto away = source_.end(in_vain_);
  return done ? away : done;
}

Status StageJob::work() {
  if (!TRY(source_.close())) return {};
  in_vain_ = true;
  if (!TRY(source_.begin())) return {};
  for (auto volumes = TRY(source_.next()); !volumes.empty(); volumes = TRY(source_.next())) {
    for (const auto& placed : volumes) {
      if (too_much(placed) || !TRY(still_wanted())) return {};
      const auto ended = TRY(stage(placed));
      if (ended == Ended::kStop) return {};
      if (ended == Ended::kWell) {
        in_vain_ = false;
        staged_ += placed.volume.copy(placed.copy)->bytes;
      }
      if (must_give_way(state_, drive_.station(), source_.cartridge().barcode)) {
        in_vain_ = false;
        return {};
      }
    }
  }
  return {};
}

std::uint64_t staged_bytes(const WorkState& state) {
  return state.parts.cached.limits().bytes / kStagedShare;
}

// On which cartridge it will be written is not known yet.
Result<bool> StageJob::still_wanted() {
  Pool target;
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    target = TRY(view.pool(target_));
    return {};
  }));
  PhysicalVolume onto;
  onto.encryption = medium_encryption(need_of(target).encryption);
  const bool wanted = TRY(source_.may_go_on(onto));
  if (!wanted) in_vain_ = false;
  return wanted;
}

bool StageJob::too_much(const PlacedVolume& placed) const {
  return staged_ > 0 && staged_ + placed.volume.copy(placed.copy)->bytes > staged_bytes(state_);
}

void StageJob::make_due(LogicalVolume& volume, CopyNumber copy) const {
  (copy == CopyNumber::kPrimary ? volume.primary_due : volume.secondary_due) = true;
  (copy == CopyNumber::kPrimary ? volume.primary_pool : volume.secondary_pool) = target_;
}

Result<StageJob::Ended> StageJob::stage(const PlacedVolume& placed) {
  bool here = false;
  bool done = false;
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto now = TRY(change.volume(placed.volume.volser));
    const bool due = placed.copy == CopyNumber::kPrimary ? now.primary_due : now.secondary_due;
    here = source_.holds(now, placed.copy) && !due && now.mounted.empty();
    if (!here || !now.cached) return {};
    done = true;
    make_due(now, placed.copy);
    return change.put(now);
  }));
  if (done) return Ended::kWell;
  return here ? bring(placed) : Ended::kSkipped;
}

Result<StageJob::Ended> StageJob::bring(const PlacedVolume& placed) {
  const auto& volser = placed.volume.volser;
  auto& cached = state_.parts.cached;
  const auto claim = state_.arrivals.claim(volser);
  if (!claim) return Ended::kSkipped;  // it comes by a recall
  // What hosts wait for comes first when there is little room.
  if (!TRY(cached.reserve(volser, placed.volume.copy(placed.copy)->bytes))) {
    cached.release(volser);
    return Ended::kStop;
  }
  const auto coming = cached.begin_arrival(volser);
  if (!coming) {
    cached.release(volser);
    if (coming.error().code == ErrorCode::kConflict) return Ended::kSkipped;
    return std::unexpected(coming.error());
  }
  source_.mount().touched(volser);
  const auto failed = read_copy(source_.mount().tape(), placed.volume, placed.copy, *cached.env().disk,
                                coming->path, state_.ending);
  if (!failed || *failed) cached.abandon_arrival(*coming);
  if (!failed) return std::unexpected(failed.error());
  if (*failed) return TRY(source_.failed(placed, **failed)) ? Ended::kSkipped : Ended::kStop;
  const auto arrived = cached.finish_arrival(*coming, [&](CatalogueChange&, LogicalVolume& volume) -> Status {
    if (volume.generation != placed.volume.generation || !source_.holds(volume, placed.copy))
      return fail(ErrorCode::kConflict, "the volume " + volser + " has changed meanwhile", "volser");
    // Nobody has used it: it leaves the cache before others.
    volume.accessed = placed.volume.accessed;
    make_due(volume, placed.copy);
    return {};
  });
  if (!arrived && arrived.error().code != ErrorCode::kConflict) return std::unexpected(arrived.error());
  if (!arrived) return Ended::kSkipped;
  state_.parts.meter->volume_recalled(placed.volume.copy(placed.copy)->bytes);
  return Ended::kWell;
}

}  // namespace tapewarden::engine

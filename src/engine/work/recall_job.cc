#include "engine/work/recall_job.h"

#include <algorithm>
#include <utility>

#include "engine/work/image_arrival.h"
#include "engine/work/limits.h"

namespace tapewarden::engine {
Status RecallJob::run() {
  auto wanted = TRY(wishes());
  if (wanted.empty() || state_.ending || !TRY(first_has_room(wanted.front()))) return {};
  if (const auto mounted = mount_.read(); !mounted) {
    give_up_room(wanted.front());
    return all_failed(wanted, mounted.error());
  }
  // Those that are asked for meanwhile come along.
  for (; !wanted.empty(); wanted = TRY(wishes())) {
    for (const auto& wish : wanted)
      if (TRY(bring(wish)) == Ended::kWithMount) return mount_.end();
  }
  return mount_.end();
}

bool RecallJob::another_brings(const std::string& volser) const {
  return state_.arrivals.claimed(volser) && !(first_ && first_->name() == volser);
}

// Those that are wanted and lie here, in the order of tape files.
Result<std::vector<RecallJob::Wish>> RecallJob::wishes() {
  std::vector<Wish> out;
  const auto wanted = state_.parts.desk.wanted();
  TRY(state_.parts.catalogue.read([&](CatalogueView& view) -> Status {
    for (const auto& [volser, reason, order] : wanted) {
      if (recall_waits(state_, volser) || another_brings(volser)) continue;
      const auto volume = TRY(view.find_volume(volser));
      if (!volume || volume->cached) continue;
      for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
        if (!volume->active(copy) || volume->copy(copy)->cartridge != cartridge_.barcode ||
            volume->copy(copy)->medium != cartridge_.medium || state_.pauses.paused(read_pause(volser, copy)))
          continue;
        out.push_back({*volume, copy});
        break;
      }
    }
    return {};
  }));
  std::ranges::sort(out, {}, [](const Wish& wish) { return wish.volume.copy(wish.copy)->file; });
  return out;
}

// Without it nothing need be mounted.
Result<bool> RecallJob::first_has_room(const Wish& wish) {
  first_ = state_.arrivals.claim(wish.volume.volser);
  if (first_ && TRY(has_room(wish))) return true;
  first_.reset();
  return false;
}

void RecallJob::give_up_room(const Wish& wish) {
  state_.parts.cached.release(wish.volume.volser);
  first_.reset();
}

// REQUIRES: the claim of the volume's arrival is this job's.
Result<bool> RecallJob::has_room(const Wish& wish) {
  const auto& volser = wish.volume.volser;
  const auto bytes = wish.volume.copy(wish.copy)->bytes;
  const auto room = state_.parts.cached.reserve(volser, bytes);
  if (room && *room) {
    state_.pauses.clear(room_pause(volser));
    state_.refused.remove(volser);
    return true;
  }
  if (!room) state_.parts.cached.release(volser);
  if (!room && !state_.parts.cached.could_hold(bytes)) {
    TRY(unreadable(wish, room.error()));
    return false;
  }
  if (!room) {  // the catalogue, or its disk: it is asked for again
    state_.pauses.put_off(volume_pause(volser), kFirstPause);
    return std::unexpected(room.error());
  }
  state_.refused.add(volser, state_.steady_now());
  // It does not grow: nobody tells when a host's unmount or an expiry made room, and asking moves no tape.
  state_.pauses.clear(room_pause(volser));
  state_.pauses.put_off(room_pause(volser), kFirstPause);
  return false;
}

Result<RecallJob::Ended> RecallJob::bring(const Wish& wish) {
  const auto& volser = wish.volume.volser;
  auto& desk = state_.parts.desk;
  // Room that somebody else was promised for the same volume is not this job's to ask for or to give up.
  auto claim = first_ && first_->name() == volser ? std::exchange(first_, std::nullopt)
                                                  : state_.arrivals.claim(volser);
  if (!claim || !TRY(has_room(wish))) return Ended::kWithVolume;
  if (!desk.begin_recall(volser)) {
    state_.parts.cached.release(volser);
    return Ended::kWithVolume;
  }
  const auto coming = state_.parts.cached.begin_arrival(volser);
  if (!coming) {
    state_.parts.cached.release(volser);
    // It has come by another way.
    const bool there = coming.error().code == ErrorCode::kConflict;
    desk.finish_recall(volser, there ? Status() : std::unexpected(coming.error()));
    return Ended::kWithVolume;
  }
  auto ended = read_into(wish, *coming);
  if (!ended) {  // the cache's disk, or the catalogue
    state_.pauses.put_off(volume_pause(volser), kFirstPause);
    desk.put_off_recall(volser);
    return std::unexpected(ended.error());
  }
  if (*ended == Ended::kWell) {
    state_.pauses.clear(volume_pause(volser));
    (void)state_.parts.notices.clear(NoticeKind::kVolumeUnreadable, volser, "it was read");
    desk.finish_recall(volser, {});
  }
  return ended;
}

Result<RecallJob::Ended> RecallJob::read_into(const Wish& wish, const CachedVolumes::Coming& coming) {
  const auto& volume = wish.volume;
  auto& cached = state_.parts.cached;
  mount_.touched(volume.volser);
  const auto failed =
      read_copy(mount_.tape(), volume, wish.copy, *cached.env().disk, coming.path, state_.ending);
  if (!failed || *failed) {
    cached.abandon_arrival(coming);
    if (!failed) return std::unexpected(failed.error());
    return tape_failed(wish, **failed);
  }
  // From here on the file is finish_arrival()'s, which knows whether it is anybody's.
  const auto arrived = cached.finish_arrival(coming, volume.generation);
  if (!arrived && arrived.error().code == ErrorCode::kConflict) {
    // It changed, or came by another way: the next look at the catalogue says what is to be done.
    state_.parts.desk.put_off_recall(volume.volser);
    return Ended::kWithVolume;
  }
  if (!arrived) return std::unexpected(arrived.error());
  // Copies that waited for it to come back.
  for (const auto copy : {CopyNumber::kPrimary, CopyNumber::kSecondary})
    state_.pauses.clear(copy_pause(copy_name(volume.volser, copy)));
  state_.parts.meter->volume_recalled(volume.copy(wish.copy)->bytes);
  (void)note_access();  // the volume is here and may be in a drive already: no fault of its recall
  return Ended::kWell;
}

Status RecallJob::note_access() {
  if (accessed_) return {};
  TRY(state_.parts.catalogue.change([&](CatalogueChange& change) -> Status {
    auto cartridge = TRY(change.cartridge(cartridge_.barcode));
    cartridge.last_accessed = change.now();
    return change.put(cartridge);
  }));
  accessed_ = true;
  return {};
}

// The asker is told when there is no other copy; else the recall goes on with that one.
Result<RecallJob::Ended> RecallJob::tape_failed(const Wish& wish, const Error& error) {
  const auto& volser = wish.volume.volser;
  TRY(mount_.met(error));
  if (!lies_with_cartridge(error)) {
    state_.parts.desk.put_off_recall(volser);
    return Ended::kWithMount;
  }
  if (TRY(note_bad_copy(state_, volser, wish.copy, cartridge_.barcode, cartridge_.pool, error)))
    state_.parts.desk.put_off_recall(volser);
  else
    state_.parts.desk.finish_recall(volser, std::unexpected(error));
  return fault_of(error) == MountFault::kMedium ? Ended::kWithVolume : Ended::kWithMount;
}

// Before it was begun.
Status RecallJob::unreadable(const Wish& wish, const Error& error) {
  if (state_.parts.desk.begin_recall(wish.volume.volser))
    state_.parts.desk.finish_recall(wish.volume.volser, std::unexpected(error));
  return {};
}

// The cartridge was not mounted. What lies with it, lies with every volume that is wanted from it.
Status RecallJob::all_failed(const std::vector<Wish>& wanted, const Error& error) {
  for (const auto& wish : wanted) {
    const auto& volser = wish.volume.volser;
    if (!lies_with_cartridge(error)) continue;
    if (!TRY(note_bad_copy(state_, volser, wish.copy, cartridge_.barcode, cartridge_.pool, error)))
      TRY(unreadable(wish, error));
  }
  if (fault_of(error) == MountFault::kNone) return std::unexpected(error);
  return {};
}

}  // namespace tapewarden::engine

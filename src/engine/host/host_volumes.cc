#include "engine/host/host_volumes.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"

namespace tapewarden::engine {

HostVolumes::~HostVolumes() {
  std::vector<std::pair<std::string, std::string>> waiting;
  {
    const MutexLock lock(mutex_);
    for (const auto& [drive, place] : places_)
      if (place.waits != Waits::kNo) waiting.emplace_back(place.barcode, drive);
  }
  for (const auto& [barcode, drive] : waiting) give_up(barcode, drive);
}

void HostVolumes::wait_until_idle(const std::string& drive) {
  for (;;) {
    const auto found = places_.find(drive);
    if (found == places_.end() || !found->second.busy) return;
    idle_.wait(mutex_);
  }
}

HostVolumes::Place* HostVolumes::find(const std::string& barcode, const std::string& drive) {
  const auto found = places_.find(drive);
  return found == places_.end() || found->second.barcode != barcode ? nullptr : &found->second;
}

void HostVolumes::tell_when_brought(Brought brought) {
  const MutexLock lock(mutex_);
  const bool nobody = !brought;
  brought_ = nobody ? nullptr : std::make_shared<const Brought>(std::move(brought));
  while (nobody && telling_ > 0) idle_.wait(mutex_);
}

Result<Reconciled> HostVolumes::reconcile(const std::map<std::string, std::string>& in_drives) {
  auto found = mounts_.reconcile(in_drives);
  if (!found) return found;
  const MutexLock lock(mutex_);
  for (const auto& volser : found->unsettled) unsettled_.emplace(volser, false);
  return found;
}

Status HostVolumes::take_place(const std::string& barcode, const Uuid& volume, const std::string& drive) {
  const MutexLock lock(mutex_);
  wait_until_idle(drive);
  for (auto it = unsettled_.find(barcode); it != unsettled_.end() && it->second;
       it = unsettled_.find(barcode))
    idle_.wait(mutex_);
  for (const auto& [other, place] : places_) {
    if (other != drive && place.barcode != barcode) continue;
    return fail(ErrorCode::kConflict,
                other == drive ? "the drive " + drive + " has the volume " + place.barcode
                               : "the volume " + barcode + " is in the drive " + other,
                "drive", "have it unmounted there first");
  }
  places_[drive] = {.barcode = barcode, .volume = volume, .busy = true, .since = clock_.steady_now()};
  return {};
}

Result<std::optional<std::string>> HostVolumes::fetch(const std::string& barcode, const Uuid& volume,
                                                      const std::string& drive) {
  bool again = false;
  {
    const MutexLock lock(mutex_);
    wait_until_idle(drive);
    again = find(barcode, drive) != nullptr;
  }
  // A drive that asks anew has let go of what it had.
  if (again) give_up(barcode, drive);
  TRY(take_place(barcode, volume, drive));
  auto mounted = mounts_.mount(barcode, volume, drive);
  while (!enter(drive, mounted)) mounted = mounts_.mount(barcode, volume, drive);
  if (!mounted) return std::unexpected(mounted.error());
  if (mounted->state == Mounting::State::kIn) return std::optional(mounted->path);
  if (mounted->state == Mounting::State::kWantsRecall) ask_desk(drive);
  return std::nullopt;
}

bool HostVolumes::enter(const std::string& drive, const Result<Mounting>& mounted) {
  const MutexLock lock(mutex_);
  auto& place = places_.at(drive);
  TW_ASSERT(place.busy);
  if (mounted && mounted->state == Mounting::State::kWantsAnswer && !mounts_.awaits_answer(place.barcode))
    return false;
  place.busy = false;
  idle_.notify_all();
  if (!mounted) {
    places_.erase(drive);
    return true;
  }
  place.content = place.content || mounted->content;
  if (mounted->state != Mounting::State::kWantsAnswer)
    unsettled_.erase(place.barcode);  // or it could not have been mounted
  enter_waiting(place, mounted->state);
  return true;
}

void HostVolumes::enter_waiting(Place& place, Mounting::State state) {
  switch (state) {
    case Mounting::State::kIn:
      place.waits = Waits::kNo;
      count_mount(place);
      return;
    case Mounting::State::kWantsRoom:
      if (place.waits != Waits::kForRoom) place.order = ++last_;
      place.waits = Waits::kForRoom;
      return;
    case Mounting::State::kWantsAnswer:
      place.waits = Waits::kForAnswer;
      return;
    case Mounting::State::kWantsRecall:
      place.waits = Waits::kForRecall;
      place.recalled = true;
      place.ask.reset();
      place.ask_number = ++last_;
      return;
  }
}

void HostVolumes::count_mount(const Place& place) {
  const auto kind = !place.content   ? HostMount::kFastReady
                    : place.recalled ? HostMount::kMiss
                                     : HostMount::kHit;
  meter_.host_mount(kind,
                    std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - place.since));
}

// The answer may come before ask() is back, and so may give_up().
void HostVolumes::ask_desk(const std::string& drive) {
  std::string volser;
  std::uint64_t number = 0;
  {
    const MutexLock lock(mutex_);
    const auto found = places_.find(drive);
    if (found == places_.end() || found->second.waits != Waits::kForRecall || found->second.ask) return;
    volser = found->second.barcode;
    number = found->second.ask_number;
  }
  const auto ask = desk_.ask(volser, RecallReason::kHost,
                             [this, drive, number](const Status& outcome) { told(drive, number, outcome); });
  {
    const MutexLock lock(mutex_);
    const auto found = places_.find(drive);
    if (found != places_.end() && found->second.ask_number == number) {
      found->second.ask = ask;
      return;
    }
  }
  desk_.cancel(ask);
}

void HostVolumes::told(const std::string& drive, std::uint64_t ask_number, const Status& outcome) {
  {
    const MutexLock lock(mutex_);
    const auto found = places_.find(drive);
    if (found == places_.end() || found->second.ask_number != ask_number) return;
    TW_ASSERT(found->second.waits == Waits::kForRecall && !found->second.busy);
    found->second.busy = true;
    found->second.ask_number = 0;
    found->second.ask.reset();
  }
  (void)go_on(drive, outcome ? std::nullopt : std::optional(outcome.error()));
}

HostVolumes::Waits HostVolumes::go_on(const std::string& drive, const std::optional<Error>& fault) {
  std::string barcode;
  Uuid volume;
  WantedOf wanted = WantedOf::kAsItIs;
  std::shared_ptr<const Brought> brought;
  {
    const MutexLock lock(mutex_);
    const auto& place = places_.at(drive);
    barcode = place.barcode;
    volume = place.volume;
    if (place.content) wanted = WantedOf::kContent;
    brought = brought_;
    if (brought) ++telling_;
  }
  // Where nobody listens any more a drive gets nothing; the next start fetches anew.
  const auto mount = [&]() -> Result<Mounting> {
    Result<Mounting> mounted = fault     ? std::unexpected(*fault)
                               : brought ? mounts_.mount(barcode, volume, drive, wanted)
                                         : Mounting{.state = Mounting::State::kWantsRoom};
    if (brought && (!mounted || mounted->state == Mounting::State::kIn))
      (*brought)(drive, barcode,
                 mounted ? Result<std::string>(mounted->path) : std::unexpected(mounted.error()));
    return mounted;
  };
  auto mounted = mount();
  while (!enter(drive, mounted)) mounted = mount();
  if (mounted && mounted->state == Mounting::State::kWantsRecall) ask_desk(drive);
  const MutexLock lock(mutex_);
  if (brought) --telling_;
  idle_.notify_all();
  const auto found = places_.find(drive);
  return found == places_.end() ? Waits::kNo : found->second.waits;
}

void HostVolumes::give_up(const std::string& barcode, const std::string& drive) {
  Place place;
  {
    const MutexLock lock(mutex_);
    wait_until_idle(drive);
    const auto* found = find(barcode, drive);
    if (found == nullptr) return;
    place = *found;
    if (place.waits != Waits::kNo) places_.erase(drive);
  }
  if (place.waits == Waits::kNo) {
    // The drive never touched it, or says nothing of what it did: the file itself tells.
    (void)returned(barcode, drive);
    return;
  }
  if (place.ask) desk_.cancel(*place.ask);
  // Neither for itself nor for its recall; what is promised to an answer is made use of by that.
  if (place.waits != Waits::kForAnswer) mounts_.want_no_room(barcode);
}

Status HostVolumes::returned(const std::string& barcode, const std::string& drive) {
  {
    const MutexLock lock(mutex_);
    wait_until_idle(drive);
    auto* place = find(barcode, drive);
    if (place == nullptr || place->waits != Waits::kNo) {
      return fail(ErrorCode::kNotFound, "the volume " + barcode + " was not given to the drive " + drive,
                  "drive");
    }
    place->busy = true;
  }
  auto unmounted = mounts_.unmount(barcode);
  const MutexLock lock(mutex_);
  places_.erase(drive);
  if (!unmounted) unsettled_.emplace(barcode, false);
  idle_.notify_all();
  return unmounted;
}

std::optional<std::string> HostVolumes::next_for_room() {
  const MutexLock lock(mutex_);
  auto next = places_.end();
  for (auto place = places_.begin(); place != places_.end(); ++place) {
    if (place->second.waits != Waits::kForRoom || place->second.busy) continue;
    if (next == places_.end() || place->second.order < next->second.order) next = place;
  }
  if (next == places_.end() || !brought_) return std::nullopt;
  next->second.busy = true;
  return next->first;
}

Result<std::size_t> HostVolumes::answer_requests() {
  std::size_t answered = 0;
  Status first;
  const auto unsettled = [this](const std::string& volser) {
    const MutexLock lock(mutex_);
    unsettled_.emplace(volser, false);
  };
  for (;;) {
    const auto one = mounts_.answer_next(unsettled);
    if (one && !*one) break;
    if (!one && first) first = std::unexpected(one.error());
    ++answered;
    retry_answered();
    (void)retry_waiting();  // the answer takes less room than was promised to it
  }
  TRY(std::move(first));
  return answered;
}

std::optional<std::string> HostVolumes::next_answered() {
  const MutexLock lock(mutex_);
  if (!brought_) return std::nullopt;
  for (auto& [drive, place] : places_) {
    if (place.waits != Waits::kForAnswer || place.busy || mounts_.awaits_answer(place.barcode)) continue;
    place.busy = true;
    return drive;
  }
  return std::nullopt;
}

void HostVolumes::retry_answered() {
  while (const auto drive = next_answered()) (void)go_on(*drive, std::nullopt);
}

std::optional<std::string> HostVolumes::next_unsettled(const std::string& after) {
  const MutexLock lock(mutex_);
  for (auto next = unsettled_.upper_bound(after); next != unsettled_.end(); ++next) {
    bool is_placed = false;
    for (const auto& [drive, place] : places_) is_placed = is_placed || place.barcode == next->first;
    if (next->second || is_placed) continue;
    next->second = true;
    return next->first;
  }
  return std::nullopt;
}

std::size_t HostVolumes::retry_unsettled() {
  std::size_t settled = 0;
  for (auto volser = next_unsettled({}); volser; volser = next_unsettled(*volser)) {
    const auto done = mounts_.settle_again(*volser);
    const MutexLock lock(mutex_);
    if (done) {
      ++settled;
      unsettled_.erase(*volser);
    } else {
      unsettled_[*volser] = false;
    }
    idle_.notify_all();
  }
  return settled;
}

std::size_t HostVolumes::retry_waiting() {
  std::size_t freed = 0;
  while (const auto drive = next_for_room()) {
    if (go_on(*drive, std::nullopt) == Waits::kForRoom) break;
    ++freed;
  }
  return freed;
}

}  // namespace tapewarden::engine

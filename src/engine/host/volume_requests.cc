// Volumes on which a host asked for something: recognised when they come back, answered when there is time.
#include <algorithm>

#include "engine/host/limits.h"
#include "engine/host/request_volume.h"
#include "engine/host/volume_mounts.h"
#include "engine/host/volume_stamp.h"

namespace tapewarden::engine {

bool VolumeMounts::leave_request(const LogicalVolume& volume, Requests which) {
  if (options_.answers == nullptr || volume.mounted.empty() || !volume.cached) return false;
  const auto path = cached_.path_of(volume);
  const auto bytes = cached_.measure(volume);
  if (!path || !bytes || *bytes > kMaximumRequestFile) return false;
  // What was on it before is data, also when it is a request's: it may have been only read.
  const auto stamp = volume_stamp(*cached_.env().disk, *path);
  if (!stamp || *stamp == volume.stamp) return false;
  const auto request = read_request(cached_.env(), *path, *options_.answers);
  if (!request || (which == Requests::kEnded && !request->ended)) return false;
  {
    const MutexLock lock(mutex_);
    requests_.push_back(volume.volser);
  }
  if (options_.asked) options_.asked();
  return true;
}

bool VolumeMounts::awaits_answer(const std::string& volser) const {
  const MutexLock lock(mutex_);
  return std::ranges::find(requests_, volser) != requests_.end();
}

Result<bool> VolumeMounts::answer_next(const Unsettled& unsettled) {
  std::string volser;
  {
    const MutexLock lock(mutex_);
    if (requests_.empty() || ending_) return false;
    volser = requests_.front();
  }
  auto answered = answer(volser);
  // Whoever waits for it goes on waiting: it must not find the request settled as content.
  if (answered && !*answered) return false;
  // The request is the volume's content then, as any other would be.
  if (const auto settled = answered ? Status{} : settle(volser); !settled) {
    tell_unsettled(volser, settled.error());
    unsettled(volser);
  }
  let_go(volser);
  {
    const MutexLock lock(mutex_);
    requests_.pop_front();
  }
  (void)TRY(std::move(answered));
  return true;
}

Result<bool> VolumeMounts::answer(const std::string& volser) {
  const auto volume = TRY(catalogue_.volume(volser));
  const Env env = cached_.env();
  const auto request = read_request(env, TRY(cached_.path_of(volume)), *options_.answers);
  if (!request) {
    TRY(settle(volser));
    return true;
  }
  GivenBack made;
  std::vector<std::string> unknown;
  const auto replaced = cached_.replace(
      volume,
      [&](const std::string& path) -> Status {
        TRY(write_answer(env, path, *request, *options_.answers, [this] { return !ending_; }));
        made.stamp = TRY(volume_stamp(*env.disk, path));
        made.named = TRY(read_named_constructs(*env.disk, path));
        return {};
      },
      [&](CatalogueChange& change, LogicalVolume& now) -> Status {
        made.bytes = now.cached_bytes;
        unknown = TRY(engine::settle(change, now, made, change.now()));
        now.mounted.clear();
        return {};
      });
  // As after a crash: it stays mounted for the catalogue, and the next start finds the request.
  if (!replaced && ending_) return false;
  TRY(replaced);
  for (const auto& construct : unknown) tell_unknown(volume, construct, made.named);
  return true;
}

}  // namespace tapewarden::engine

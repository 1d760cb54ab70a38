#include "engine/work/retry_pauses.h"

#include <algorithm>

#include "engine/work/limits.h"

namespace tapewarden::engine {

void RetryPauses::put_off(const std::string& what, std::chrono::milliseconds first) {
  const auto now = clock_.steady_now();
  const MutexLock lock(mutex_);
  if (pauses_.size() >= kMaximumPauses)
    std::erase_if(pauses_, [&](const auto& entry) { return entry.second.until <= now; });
  auto& pause = pauses_[what];
  // One that ended long ago has nothing to do with this.
  const bool again = pause.length.count() > 0 && now < pause.until + 2 * kLongestPause;
  pause.length = again ? std::min(2 * pause.length, kLongestPause) : first;
  pause.until = now + pause.length;
}

void RetryPauses::clear(const std::string& what) {
  const MutexLock lock(mutex_);
  pauses_.erase(what);
}

void RetryPauses::clear_all() {
  const MutexLock lock(mutex_);
  pauses_.clear();
}

bool RetryPauses::paused(const std::string& what) const {
  const auto now = clock_.steady_now();
  const MutexLock lock(mutex_);
  const auto found = pauses_.find(what);
  return found != pauses_.end() && now < found->second.until;
}

std::optional<SteadyTime> RetryPauses::next_end() const {
  const auto now = clock_.steady_now();
  const MutexLock lock(mutex_);
  std::optional<SteadyTime> first;
  for (const auto& [what, pause] : pauses_)
    if (pause.until > now && (!first || pause.until < *first)) first = pause.until;
  return first;
}

}  // namespace tapewarden::engine

#include "keymgr/wait_book.h"

#include <algorithm>

#include "keymgr/limits.h"

namespace tapewarden::keymgr {

bool WaitBook::again(const Id& id, WallTime now) {
  const MutexLock lock(mutex_);
  const auto found = waits_.find(id);
  if (found == waits_.end()) return false;
  found->second.last = now;
  ++found->second.asked;
  return true;
}

void WaitBook::began(const Id& id, WallTime now) {
  const MutexLock lock(mutex_);
  if (!waits_.emplace(id, Wait{now, now, 1}).second) return;
  ++begun_;
  order_.push_back(id);
  while (order_.size() > kMaximumWaits) {
    waits_.erase(order_.front());
    order_.pop_front();
  }
}

std::optional<Wait> WaitBook::find(const Id& id) const {
  const MutexLock lock(mutex_);
  const auto found = waits_.find(id);
  return found == waits_.end() ? std::nullopt : std::optional(found->second);
}

void WaitBook::ended(const Id& id) {
  const MutexLock lock(mutex_);
  if (waits_.erase(id) > 0) std::erase(order_, id);
}

WaitBook::Summary WaitBook::summary(WallTime now) const {
  const MutexLock lock(mutex_);
  Summary out;
  out.begun = begun_;
  for (const auto& [id, wait] : waits_) {
    if (now - wait.last > kWaitIsOver) continue;
    out.since = out.now == 0 ? wait.since : std::min(out.since, wait.since);
    ++out.now;
  }
  return out;
}

}  // namespace tapewarden::keymgr

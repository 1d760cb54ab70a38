#include "keymgr/refusal_records.h"

#include <algorithm>
#include <utility>

namespace tapewarden::keymgr {

void RefusalRecords::give_back(Sender& sender, SteadyTime now) const {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - sender.since);
  const auto whole = static_cast<std::uint64_t>(passed / limits_.again);
  if (whole >= sender.spent) {
    sender.spent = 0;
    sender.since = now;
    return;
  }
  sender.spent -= static_cast<unsigned>(whole);
  sender.since += limits_.again * whole;
}

void RefusalRecords::make_room() {
  if (senders_.size() < limits_.senders) return;
  senders_.erase(std::ranges::min_element(senders_, {}, [](const auto& entry) { return entry.second.last; }));
}

std::optional<std::uint64_t> RefusalRecords::next(const Hash256& sender) {
  const SteadyTime now = clock_.steady_now();
  const MutexLock lock(mutex_);
  if (!senders_.contains(sender)) make_room();
  Sender& entry = senders_[sender];
  entry.last = now;
  give_back(entry, now);
  if (entry.spent >= limits_.at_once) {
    ++entry.counted;
    return std::nullopt;
  }
  ++entry.spent;
  return std::exchange(entry.counted, 0);
}

}  // namespace tapewarden::keymgr

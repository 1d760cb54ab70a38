#include "people/login_throttle.h"

#include <algorithm>

namespace tapewarden::people {

std::chrono::milliseconds LoginThrottle::wait_of(const Key& key, unsigned threshold, SteadyTime now) {
  const auto it = counts_.find(key);
  if (it == counts_.end()) return {};
  const Count& count = it->second;
  if (now - count.last_failure >= limits_.memory) {
    counts_.erase(it);
    return {};
  }
  if (count.failures < threshold) return {};
  auto delay = limits_.first;
  for (unsigned i = threshold; i < count.failures && delay < limits_.longest; ++i) delay *= 2;
  delay = std::min(delay, limits_.longest);
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - count.last_failure);
  return std::max(delay - passed, std::chrono::milliseconds(0));
}

void LoginThrottle::make_room(SteadyTime now) {
  if (counts_.size() < limits_.entries) return;
  std::erase_if(counts_,
                [&](const auto& entry) { return now - entry.second.last_failure >= limits_.memory; });
  if (counts_.size() < limits_.entries) return;
  counts_.erase(std::min_element(counts_.begin(), counts_.end(), [](const auto& a, const auto& b) {
    return a.second.last_failure < b.second.last_failure;
  }));
}

void LoginThrottle::count_failure(const Key& key, SteadyTime now) {
  if (!counts_.contains(key)) make_room(now);
  Count& count = counts_[key];
  ++count.failures;
  count.last_failure = now;
}

Admission LoginThrottle::admit(const std::string& name, const std::string& source) {
  const SteadyTime now = clock_.steady_now();
  const Key pair{name, source};
  const MutexLock lock(mutex_);
  Admission admission;
  admission.wait = std::max(wait_of(pair, limits_.pair_threshold, now),
                            wait_of({"", source}, limits_.source_threshold, now));
  if (!usual_.contains(pair)) {
    admission.wait = std::max(admission.wait, wait_of({name, ""}, limits_.name_threshold, now));
  }
  if (admission.wait.count() > 0) {
    const auto it = counts_.find(pair);
    if (it != counts_.end()) ++it->second.refused_unchecked;
    return admission;
  }
  count_failure(pair, now);
  count_failure({"", source}, now);
  count_failure({name, ""}, now);
  admission.refused_unchecked = std::exchange(counts_[pair].refused_unchecked, 0);
  return admission;
}

void LoginThrottle::succeeded(const std::string& name, const std::string& source) {
  const MutexLock lock(mutex_);
  const Key pair{name, source};
  counts_.erase(pair);
  // The source and the name keep what others did: only this attempt is taken back.
  for (const Key& key : {Key{"", source}, Key{name, ""}}) {
    const auto it = counts_.find(key);
    if (it != counts_.end() && it->second.failures > 0) --it->second.failures;
  }
  if (usual_.size() < limits_.usual_sources) usual_.insert(pair);
}

}  // namespace tapewarden::people

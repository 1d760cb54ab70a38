#include "engine/volume_desk.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden::engine {

VolumeDesk::AskId VolumeDesk::ask(const std::string& volser, RecallReason reason, Told told) {
  AskId id = 0;
  {
    const MutexLock lock(mutex_);
    id = ++last_;
    auto& entry = entries_[volser];
    if (entry.asks.empty()) {
      entry.order = id;
      entry.reason = reason;
    }
    if (reason == RecallReason::kHost) entry.reason = reason;
    entry.asks.push_back({id, std::move(told)});
  }
  wake();
  return id;
}

void VolumeDesk::cancel(AskId ask) {
  const MutexLock lock(mutex_);
  while (telling_.contains(ask)) told_.wait(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    auto& [volser, wanted] = *entry;
    if (std::erase_if(wanted.asks, [&](const Ask& one) { return one.id == ask; }) == 0) continue;
    // The worker that is at it goes on, and finds that nobody waits.
    if (wanted.asks.empty() && !wanted.under_way) entries_.erase(entry);
    return;
  }
}

void VolumeDesk::take(const std::string& volser) {
  const MutexLock lock(mutex_);
  taken_.insert(volser);
  for (auto& [id, copy] : copies_)
    if (copy.volser == volser) copy.good = false;
}

void VolumeDesk::give_back(const std::string& volser) {
  {
    const MutexLock lock(mutex_);
    taken_.erase(volser);
  }
  wake();
}

std::vector<VolumeDesk::Wanted> VolumeDesk::wanted() const {
  std::vector<Wanted> out;
  {
    const MutexLock lock(mutex_);
    for (const auto& [volser, entry] : entries_)
      if (!entry.under_way) out.push_back({volser, entry.reason, entry.order});
  }
  std::ranges::sort(out, {}, [](const Wanted& one) { return std::pair(one.reason, one.order); });
  return out;
}

bool VolumeDesk::begin_recall(const std::string& volser) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(volser);
  if (found == entries_.end() || found->second.under_way) return false;
  found->second.under_way = true;
  return true;
}

void VolumeDesk::finish_recall(const std::string& volser, const Status& outcome) {
  std::vector<Ask> asks;
  {
    const MutexLock lock(mutex_);
    const auto found = entries_.find(volser);
    TW_ASSERT(found != entries_.end() && found->second.under_way);
    asks = std::move(found->second.asks);
    entries_.erase(found);
    for (const auto& ask : asks) telling_.insert(ask.id);
  }
  for (const auto& ask : asks) {
    if (ask.told) ask.told(outcome);
    const MutexLock lock(mutex_);
    telling_.erase(ask.id);
    told_.notify_all();
  }
}

void VolumeDesk::put_off_recall(const std::string& volser) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(volser);
  TW_ASSERT(found != entries_.end() && found->second.under_way);
  found->second.under_way = false;
  if (found->second.asks.empty()) entries_.erase(found);
}

std::optional<VolumeDesk::CopyId> VolumeDesk::begin_copy(const std::string& volser) {
  const MutexLock lock(mutex_);
  if (taken_.contains(volser)) return std::nullopt;
  const CopyId id = ++last_;
  copies_[id] = {.volser = volser};
  return id;
}

bool VolumeDesk::copy_is_good(CopyId copy) const {
  const MutexLock lock(mutex_);
  const auto found = copies_.find(copy);
  return found != copies_.end() && found->second.good;
}

void VolumeDesk::end_copy(CopyId copy) {
  const MutexLock lock(mutex_);
  copies_.erase(copy);
}

}  // namespace tapewarden::engine

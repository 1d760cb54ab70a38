#include "tape/device/unit_attention.h"

#include <algorithm>

#include "scsi/sense_codes.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

// The same condition is told once; a queue that overflows keeps the oldest, which begins with the reset.
void push(std::deque<scsi::SenseCode>& queue, scsi::SenseCode code) {
  if (queue.size() < kMaxUnitAttentions && std::ranges::find(queue, code) == queue.end())
    queue.push_back(code);
}

}  // namespace

bool UnitAttentions::meet(scsi::NexusId nexus) {
  if (pending_.contains(nexus)) return true;
  if (pending_.size() >= kMaxNexuses) return false;
  pending_[nexus].push_back(scsi::sense_codes::kPowerOn);
  return true;
}

std::optional<scsi::SenseCode> UnitAttentions::take(scsi::NexusId nexus) {
  auto& queue = pending_[nexus];
  if (queue.empty()) return {};
  const auto code = queue.front();
  queue.pop_front();
  return code;
}

bool UnitAttentions::any(scsi::NexusId nexus) const {
  const auto found = pending_.find(nexus);
  return found != pending_.end() && !found->second.empty();
}

void UnitAttentions::tell(scsi::NexusId nexus, scsi::SenseCode code) {
  const auto found = pending_.find(nexus);
  if (found != pending_.end()) push(found->second, code);
}

void UnitAttentions::tell_all(scsi::SenseCode code) {
  for (auto& [nexus, queue] : pending_) push(queue, code);
}

void UnitAttentions::tell_others(scsi::NexusId except, scsi::SenseCode code) {
  for (auto& [nexus, queue] : pending_)
    if (nexus != except) push(queue, code);
}

void UnitAttentions::restart(scsi::SenseCode code) {
  for (auto& [nexus, queue] : pending_) queue.assign(1, code);
}

}  // namespace tapewarden::tape

#include "admin/taped/unit_meter.h"

#include <algorithm>

#include "admin/taped/limits.h"

namespace tapewarden::admin {

scsi::Response UnitMeter::execute(const scsi::Command& command) {
  auto response = unit_->execute(command);
  count(command, response);
  return response;
}

std::optional<scsi::Response> UnitMeter::execute_at_once(const scsi::Command& command) {
  auto response = unit_->execute_at_once(command);
  if (response) count(command, *response);
  return response;
}

void UnitMeter::count(const scsi::Command& command, const scsi::Response& response) {
  const MutexLock lock(mutex_);
  auto found = uses_.find(command.nexus);
  if (found == uses_.end()) {
    if (uses_.size() >= kMaximumMeteredSessions) return;
    found = uses_.emplace(command.nexus, UnitUse{}).first;
  }
  auto& use = found->second;
  ++use.commands;
  if (!response.good()) ++use.refused;
  use.bytes_in += response.data_in.size();
  use.bytes_out += std::min(response.data_out_used, command.data_out.size());
}

void UnitMeter::nexus_lost(scsi::NexusId nexus) {
  unit_->nexus_lost(nexus);
  const MutexLock lock(mutex_);
  uses_.erase(nexus);
}

UnitUse UnitMeter::use_of(scsi::NexusId nexus) const {
  const MutexLock lock(mutex_);
  const auto found = uses_.find(nexus);
  return found == uses_.end() ? UnitUse{} : found->second;
}

}  // namespace tapewarden::admin

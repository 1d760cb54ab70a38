#include "tape/device/tape_alerts.h"

namespace tapewarden::tape {

void TapeAlerts::raise(TapeAlert alert) {
  flags_ |= bit(alert);
  for (auto& [nexus, seen] : seen_) seen &= ~bit(alert);
}

TapeAlerts::Flags TapeAlerts::active(scsi::NexusId nexus) const {
  const auto seen = seen_.find(nexus);
  return seen == seen_.end() ? flags_ : flags_ & ~seen->second;
}

void TapeAlerts::clear() {
  flags_ = 0;
  seen_.clear();
}

}  // namespace tapewarden::tape

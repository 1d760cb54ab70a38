// What each initiator still has to be told (SAM-5 section 5.14): one queue of unit attentions a nexus. A
// nexus that is seen for the first time begins with "power on". Not thread-safe; belongs to one drive.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

class UnitAttentions {
 public:
  // False when there are kMaxNexuses already and this is another one.
  bool meet(scsi::NexusId nexus);
  void forget(scsi::NexusId nexus) { pending_.erase(nexus); }
  // The oldest one, removed from the queue.
  std::optional<scsi::SenseCode> take(scsi::NexusId nexus);
  bool any(scsi::NexusId nexus) const;
  void tell(scsi::NexusId nexus, scsi::SenseCode code);
  void tell_all(scsi::SenseCode code);
  void tell_others(scsi::NexusId except, scsi::SenseCode code);
  // A reset supersedes everything told before.
  void restart(scsi::SenseCode code);

 private:
  std::map<scsi::NexusId, std::deque<scsi::SenseCode>> pending_;
};

}  // namespace tapewarden::tape

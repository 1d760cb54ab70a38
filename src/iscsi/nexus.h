// One session's standing with the units of its target.
#pragma once

#include <array>
#include <map>
#include <memory>

#include "iscsi/server.h"
#include "iscsi/unit_queue.h"

namespace tapewarden::iscsi {

// The units of a target by LUN.
using UnitMap = std::map<std::uint16_t, std::shared_ptr<UnitQueue>>;

// Thread-safe. Invariant: once lost, no further command of the session reaches a unit, and each unit is told
// once, after the command that it was executing.
class Nexus {
 public:
  Nexus(SessionInfo info, std::shared_ptr<const UnitMap> units);
  const SessionInfo& info() const { return info_; }
  scsi::NexusId id() const { return info_.nexus; }
  const UnitMap& units() const { return *units_; }
  bool lost() const { return lost_.load(); }
  void lose();

 private:
  const SessionInfo info_;
  const std::shared_ptr<const UnitMap> units_;
  std::atomic<bool> lost_ = false;
};

}  // namespace tapewarden::iscsi

// One session's standing with the units of its target.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>

#include "iscsi/server.h"
#include "iscsi/unit_queue.h"

namespace tapewarden::iscsi {

// The units of a target by LUN.
using UnitMap = std::map<std::uint16_t, std::shared_ptr<UnitQueue>>;

// Thread-safe. Invariant: once lost, no further command of the session reaches a unit, and each unit is told
// once, after the command that it was executing. Each unit is told the names of both ports before the first.
class Nexus {
 public:
  Nexus(SessionInfo info, std::shared_ptr<const UnitMap> units);
  const SessionInfo& info() const { return info_; }
  scsi::NexusId id() const { return info_.nexus; }
  const UnitMap& units() const { return *units_; }
  bool lost() const { return lost_.load(); }
  void lose();

 private:
  void tell_each(const std::function<void(scsi::LogicalUnit&)>& what);

  const SessionInfo info_;
  const std::shared_ptr<const UnitMap> units_;
  std::atomic<bool> lost_ = false;
};

}  // namespace tapewarden::iscsi

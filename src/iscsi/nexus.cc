#include "iscsi/nexus.h"

#include <set>

namespace tapewarden::iscsi {

Nexus::Nexus(SessionInfo info, std::shared_ptr<const UnitMap> units)
    : info_(std::move(info)), units_(std::move(units)) {}

void Nexus::lose() {
  if (lost_.exchange(true)) return;
  std::set<UnitQueue*> told;  // one unit may have two LUNs
  for (const auto& [lun, queue] : *units_)
    if (told.insert(queue.get()).second)
      queue->post([id = id()](scsi::LogicalUnit& unit) { unit.nexus_lost(id); }, false);
}

}  // namespace tapewarden::iscsi

#include "iscsi/nexus.h"

#include <set>

#include "scsi/transport_id.h"

namespace tapewarden::iscsi {

Nexus::Nexus(SessionInfo info, std::shared_ptr<const UnitMap> units)
    : info_(std::move(info)), units_(std::move(units)) {
  const scsi::NexusNames names{scsi::iscsi_transport_id(info_.initiator, info_.isid),
                               info_.target + ",t,0x0001"};
  tell_each([id = id(), names](scsi::LogicalUnit& unit) { unit.nexus_named(id, names); });
}

void Nexus::tell_each(const std::function<void(scsi::LogicalUnit&)>& what) {
  std::set<UnitQueue*> told;  // one unit may have two LUNs
  for (const auto& [lun, queue] : *units_)
    if (told.insert(queue.get()).second) queue->post(what, false);
}

void Nexus::lose() {
  if (lost_.exchange(true)) return;
  tell_each([id = id()](scsi::LogicalUnit& unit) { unit.nexus_lost(id); });
}

}  // namespace tapewarden::iscsi

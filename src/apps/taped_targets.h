// What hosts see of the library: one target, or one for each partition. LUN 0 is the changer, the drives are
// LUN 1 and on.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "apps/taped_config.h"
#include "tape/library/partition_robot.h"

namespace tapewarden::apps {

struct TapedTargets {
  std::vector<std::unique_ptr<tape::PartitionRobot>> robots;  // outlive the units
  std::vector<iscsi::TargetConfig> targets;
};

// Puts a unit into its target, perhaps behind something that watches it. `what`: "changer", "drive SERIAL".
using UnitSeat = std::function<void(iscsi::TargetConfig& target, std::uint16_t lun,
                                    std::shared_ptr<scsi::LogicalUnit> unit, std::string what)>;
// As it is.
void seat_unit(iscsi::TargetConfig& target, std::uint16_t lun, std::shared_ptr<scsi::LogicalUnit> unit,
               std::string what);

// `library` outlives what is made. A partition's target is called as the library's, a period, and its name in
// small letters; its changer has the library's serial, a hyphen, and its name. Errors of
// read_authentication().
Result<TapedTargets> make_targets(Env env, const TapedConfig& config, tape::Library& library,
                                  const UnitSeat& seat = seat_unit);

}  // namespace tapewarden::apps

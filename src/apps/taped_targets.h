// What hosts see of the library: one target, or one for each partition. LUN 0 is the changer, the drives are
// LUN 1 and on.
#pragma once

#include <memory>
#include <vector>

#include "apps/taped_config.h"
#include "tape/library/partition_robot.h"

namespace tapewarden::apps {

struct TapedTargets {
  std::vector<std::unique_ptr<tape::PartitionRobot>> robots;  // outlive the units
  std::vector<iscsi::TargetConfig> targets;
};

// `library` outlives what is made. A partition's target is called as the library's, a period, and its name in
// small letters; its changer has the library's serial, a hyphen, and its name. Errors of
// read_authentication().
Result<TapedTargets> make_targets(Env env, const TapedConfig& config, tape::Library& library);

}  // namespace tapewarden::apps

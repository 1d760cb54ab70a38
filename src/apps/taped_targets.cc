#include "apps/taped_targets.h"

#include "apps/log.h"
#include "base/text.h"
#include "tape/device/changer.h"

namespace tapewarden::apps {
namespace {

iscsi::TargetConfig target_of(const std::string& name, const std::string& alias, const IscsiConfig& config) {
  return {.name = name,
          .alias = alias,
          .allowed_initiators = config.initiators,
          .authentication = {},
          .units = {}};
}

void add_units(iscsi::TargetConfig& target, tape::ElementRobot& robot, tape::ChangerOptions options,
               const std::vector<std::shared_ptr<tape::DriveBay>>& bays) {
  target.units.push_back({0, std::make_shared<tape::Changer>(robot, std::move(options))});
  for (const auto& bay : bays) target.units.push_back({static_cast<std::uint16_t>(target.units.size()), bay});
}

}  // namespace

Result<TapedTargets> make_targets(Env env, const TapedConfig& config, tape::Library& library) {
  const std::string alias = "Tapewarden library";
  TapedTargets made;
  if (config.library.partitions.empty()) {
    auto& target = made.targets.emplace_back(target_of(config.iscsi.target, alias, config.iscsi));
    add_units(target, library, config.library.changer, library.bays());
  }
  for (const auto& partition : config.library.partitions) {
    auto& robot =
        *made.robots.emplace_back(std::make_unique<tape::PartitionRobot>(library, config.library, partition));
    auto& target = made.targets.emplace_back(target_of(config.iscsi.target + "." + to_lower(partition.name),
                                                       alias + " " + partition.name, config.iscsi));
    log(LogLevel::kInfo, "partition " + partition.name + " is the target " + target.name);
    auto options = config.library.changer;
    options.serial += "-" + partition.name;
    add_units(target, robot, std::move(options), robot.bays());
  }
  for (auto& target : made.targets) target.authentication = TRY(read_authentication(*env.disk, config.iscsi));
  return made;
}

}  // namespace tapewarden::apps

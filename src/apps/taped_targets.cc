#include "apps/taped_targets.h"

#include "apps/log.h"
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
               const std::vector<std::shared_ptr<tape::DriveBay>>& bays, const UnitSeat& seat) {
  seat(target, 0, std::make_shared<tape::Changer>(robot, std::move(options)), "changer");
  std::uint16_t lun = 1;
  for (const auto& bay : bays) seat(target, lun++, bay, "drive " + bay->serial());
}

}  // namespace

void seat_unit(iscsi::TargetConfig& target, std::uint16_t lun, std::shared_ptr<scsi::LogicalUnit> unit,
               std::string) {
  target.units.push_back({lun, std::move(unit)});
}

Result<TapedTargets> make_targets(Env env, const TapedConfig& config, tape::Library& library,
                                  const UnitSeat& seat) {
  const std::string alias = "Tapewarden library";
  TapedTargets made;
  if (config.library.partitions.empty()) {
    auto& target = made.targets.emplace_back(target_of(config.iscsi.target, alias, config.iscsi));
    target.authentication = TRY(read_authentication(*env.disk, config.iscsi));
    add_units(target, library, config.library.changer, library.bays(), seat);
  }
  for (const auto& partition : config.library.partitions) {
    auto& robot =
        *made.robots.emplace_back(std::make_unique<tape::PartitionRobot>(library, config.library, partition));
    const auto login = login_of(config.iscsi, partition.name);
    auto& target = made.targets.emplace_back(
        target_of(target_name(config.iscsi, partition.name), alias + " " + partition.name, login));
    target.authentication = TRY(read_authentication(*env.disk, login));
    log(LogLevel::kInfo, "partition " + partition.name + " is the target " + target.name);
    auto options = config.library.changer;
    options.serial = tape::changer_serial(config.library, &partition);
    add_units(target, robot, std::move(options), robot.bays(), seat);
  }
  return made;
}

}  // namespace tapewarden::apps

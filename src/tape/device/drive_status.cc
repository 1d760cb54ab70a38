#include "tape/device/drive_status.h"

#include "tape/device/deferred_write.h"

namespace tapewarden::tape {
namespace {

MountedCartridge mounted_of(const Cartridge& cartridge) {
  return {.identity = cartridge.identity(),
          .writable = cartridge.writable(),
          .encrypted = cartridge.key_info().info.method != KeyMethod::kNone,
          .position = cartridge.position(),
          .capacity = cartridge.capacity()};
}

}  // namespace

DriveStatus Drive::status(std::span<const scsi::NexusId> nexuses) const {
  auto& drive = *state_;
  catch_up(drive);
  DriveStatus status{.management = drive.options.management, .density = drive.options.density};
  if (drive.cartridge) status.mounted = mounted_of(*drive.cartridge);
  if (drive.key_managed()) {
    status.holds_key = !drive.key_path.status_page().key_check_value.empty();
  } else if (drive.options.management == KeyManagement::kApplication) {
    for (const auto nexus : nexuses) {
      const auto& parameters = drive.encryption.effective(nexus);
      status.encryption.push_back({nexus, parameters.encrypts(), parameters.decrypts()});
    }
  }
  status.holder = drive.reservations.holder();
  status.reserved = drive.reservations.reserved();
  status.preventing.assign(drive.preventing.begin(), drive.preventing.end());
  status.loads = drive.counters.loads;
  status.traffic = drive.counters.traffic(drive.cartridge.get());
  status.traffic_since_power_on = drive.counters.since_power_on(drive.cartridge.get());
  return status;
}

}  // namespace tapewarden::tape

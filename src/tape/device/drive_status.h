// How a drive is, for the operator who looks at it from outside: what its panel would show. A value.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "scsi/logical_unit.h"
#include "tape/device/drive_counters.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::tape {

// One initiator's standing with the drive's encryption.
struct NexusEncryption {
  scsi::NexusId nexus{};
  bool encrypts = false;  // what it writes now
  bool decrypts = false;  // what it reads now, with a key that was set
};

struct MountedCartridge {
  CartridgeIdentity identity{};
  bool writable = false;
  bool encrypted = false;  // its key areas name a key
  Position position{};
  CapacityState capacity{};
};

struct DriveStatus {
  KeyManagement management = KeyManagement::kNone;
  std::uint8_t density = 0;  // as DriveOptions
  std::optional<MountedCartridge> mounted{};
  std::vector<NexusEncryption> encryption{};  // application-managed: of the nexuses asked for
  bool holds_key = false;                     // key-managed: a key came by the key path
  bool reserved = false;
  std::optional<scsi::NexusId> holder{};    // of the reservation, where it is one nexus' that is here
  std::vector<scsi::NexusId> preventing{};  // the removal of the cartridge
  std::uint64_t loads = 0;                  // since power-on
  Traffic traffic{};                        // since the counters were last set back
  Traffic traffic_since_power_on{};         // never set back
};

}  // namespace tapewarden::tape

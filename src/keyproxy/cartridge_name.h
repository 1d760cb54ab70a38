// What a cartridge in a real drive is called: its volser, and the volume UUID by which the ledger and the
// wrapping of keys know it. A virtual cartridge brings its own UUID; that of a real one is made from the
// serial number that its maker wrote into the cartridge memory, so it is the same in every drive and at every
// site (docs/operating/host-drive.md).
#pragma once

#include <string>

#include "base/uuid.h"
#include "tape/initiator/tape_drive.h"

namespace tapewarden::keyproxy {

struct CartridgeName {
  std::string volser;
  Uuid volume;
};

// UUID (version 8, RFC 9562) made of SHA-256 over maker and serial number. Pure.
Uuid volume_of_medium(std::string_view manufacturer, std::string_view serial_number);
// Of a cartridge that has no serial number in its memory: of its volser alone. Pure.
Uuid volume_of_volser(std::string_view volser);

// Asks the drive. `volser`: as the operator says it, empty: the bar code in the cartridge memory counts.
// kInvalidArgument when neither tells; errors of the drive but "not offered".
Result<CartridgeName> name_of_cartridge(tape::TapeDrive& drive, const std::string& volser);

}  // namespace tapewarden::keyproxy

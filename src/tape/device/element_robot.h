// What a medium changer moves cartridges in: elements with addresses, and moves among them. Implemented by
// the virtual library; fakes stand in for it in tests. Thread-safe.
#pragma once

#include "scsi/changer_mode.h"
#include "scsi/element_status.h"

namespace tapewarden::tape {

class ElementRobot {
 public:
  virtual ~ElementRobot() = default;
  // Fixed while the robot lives.
  virtual const scsi::ElementAddressAssignment& layout() const = 0;
  // How the element is now, without moving anything. REQUIRES: layout().type_of(address).
  virtual scsi::ElementDescriptor describe(std::uint16_t address) const = 0;
  // Moves the cartridge and returns when that is durable; after an error everything is where it was.
  // 05/3B/0E, 05/3B/0D, 05/53/03 (an initiator of the drive prevents it), 05/30/00 (the cartridge does not
  // fit the drive), 02/04/01 (the drive waits for a key), 04/53/xx. REQUIRES: both addresses are in the
  // layout and none is of the transport.
  virtual scsi::Outcome<void> move(std::uint16_t source, std::uint16_t destination) = 0;
  // From `source` to `first`, and what was in `first` to `second`, which may be `source`. Errors as move().
  virtual scsi::Outcome<void> exchange(std::uint16_t source, std::uint16_t first, std::uint16_t second) = 0;
  // Looks again at what is there. 04/53/08 when that failed.
  virtual scsi::Outcome<void> audit() = 0;
  // While initiators prevent it, an operator takes nothing out of the import/export elements (SMC-3, PREVENT
  // ALLOW MEDIUM REMOVAL).
  virtual void prevent_removal(bool prevented) = 0;
  // Grows each time when cartridges came or went otherwise than by move() and exchange().
  virtual std::uint64_t outside_changes() const = 0;
};

}  // namespace tapewarden::tape

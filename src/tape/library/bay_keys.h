// Who brings keys to library-managed drives (row L4). Implemented over the key proxy by the engine; fakes
// stand in for it in tests.
#pragma once

#include <chrono>
#include <string>

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

class BayKeys {
 public:
  virtual ~BayKeys() = default;
  // A host's command ended because the drive needs a key. Carries the drive's request to the key servers and
  // the answer, or the refusal, back by the drive's key path, which is all that `drive` offers; hosts'
  // reservations do not stand in the way. Blocks as long as the exchange lasts; the bay calls it for one
  // drive at a time and for several drives side by side.
  virtual void serve(scsi::LogicalUnit& drive) = 0;
  // Tells the key server of every write that the drive says it is to be told of, for no longer than
  // `patience`. False when one is left. The cartridge may have left the drive by then. `what` names drive and
  // cartridge for people.
  virtual bool confirm(scsi::LogicalUnit& drive, const std::string& what,
                       std::chrono::milliseconds patience) = 0;
  // The key server will never be told of that write: it refused to hear of it again and again, or there were
  // too many. For the log: `what` names drive and cartridge.
  virtual void gave_up(const std::string& what) = 0;
};

}  // namespace tapewarden::tape

// Who brings keys to library-managed drives (row L4). Implemented over the key proxy by the engine; fakes
// stand in for it in tests.
#pragma once

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

class BayKeys {
 public:
  virtual ~BayKeys() = default;
  // A host's command ended because the drive needs a key. Carries the drive's request to the key servers and
  // the answer, or the refusal, back by the drive's key path, as `nexus`: a reservation that this host holds
  // does not stand in the way. Blocks as long as the exchange lasts; the bay calls it for one drive at a time
  // and for several drives side by side.
  virtual void serve(scsi::LogicalUnit& drive, scsi::NexusId nexus) = 0;
  // Tells the key server that the drive has written with its key when the drive says that this is due. False
  // when it is not due yet.
  virtual bool confirm(scsi::LogicalUnit& drive, scsi::NexusId nexus) = 0;
};

}  // namespace tapewarden::tape

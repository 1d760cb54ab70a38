// One typed API over any medium changer (SMC-3): the virtual library in this process, real libraries through
// SG_IO or iSCSI. The twin of TapeDrive.
//
// One user at a time. The transport outlives it. Nothing is retried here: a unit attention means that what
// the caller believes of the elements may not hold any more, so it is the caller's to look again.
#pragma once

#include <string>
#include <vector>

#include "scsi/changer_cdb.h"
#include "scsi/changer_mode.h"
#include "scsi/element_status.h"
#include "scsi/inquiry.h"
#include "tape/initiator/tape_error.h"
#include "tape/initiator/transport.h"

namespace tapewarden::tape {

struct ChangerTimeouts {
  std::chrono::milliseconds quick{30'000};
  std::chrono::milliseconds status{300'000};    // a library may look at its shelves first
  std::chrono::milliseconds motion{1'800'000};  // the robot may wait for a door or a drive
  std::chrono::milliseconds inventory{7'200'000};
};

class MediumChanger {
 public:
  explicit MediumChanger(Transport& transport, ChangerTimeouts timeouts = {})
      : transport_(transport), timeouts_(timeouts) {}

  TapeStatus test_ready();
  // Unit attentions that are pending now, oldest first; they are told no more.
  TapeResult<std::vector<scsi::SenseCode>> drain_attentions();
  // kOther when the device is none that changes media.
  TapeResult<scsi::StandardInquiry> inquiry();
  TapeResult<std::string> serial_number();
  // Where its elements are (mode page 1Dh). Checked: ranges do not overlap.
  TapeResult<scsi::ElementAddressAssignment> layout();

  struct StatusOptions {
    bool device_ids = false;    // DVCID: who the drives are; older libraries refuse it (kIllegalRequest)
    bool current_data = false;  // CURDATA: without moving anything
  };
  // Every element of the type, in ascending order of addresses, with volume tags; asked for in pieces that
  // every host adapter carries. kTransport when the answer does not parse, tells of elements that were not
  // asked for, or leaves some out.
  TapeResult<std::vector<scsi::ElementDescriptor>> elements(const scsi::ElementAddressAssignment& layout,
                                                            scsi::ElementType type, StatusOptions options);
  TapeResult<std::vector<scsi::ElementDescriptor>> elements(const scsi::ElementAddressAssignment& layout,
                                                            scsi::ElementType type) {
    return elements(layout, type, {});
  }

  // Looks at all elements anew: INITIALIZE ELEMENT STATUS. May take hours.
  TapeStatus initialize();
  // With the changer's own choice of transport.
  TapeStatus move(std::uint16_t source, std::uint16_t destination);
  TapeStatus exchange(std::uint16_t source, std::uint16_t first_destination,
                      std::uint16_t second_destination);
  TapeStatus prevent_removal(bool prevent);

 private:
  TapeResult<TransportAnswer> run(ByteView cdb, std::size_t data_in_limit, std::chrono::milliseconds timeout);
  TapeStatus plain(ByteView cdb, std::chrono::milliseconds timeout);
  TapeResult<std::vector<scsi::ElementDescriptor>> piece(scsi::ElementType type,
                                                         const scsi::ElementRange& wanted,
                                                         StatusOptions options);

  Transport& transport_;
  ChangerTimeouts timeouts_;
};

}  // namespace tapewarden::tape

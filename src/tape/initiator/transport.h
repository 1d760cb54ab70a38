// How commands get to a drive: in process (below), through SG_IO, or over iSCSI.
#pragma once

#include <chrono>

#include "scsi/logical_unit.h"

namespace tapewarden::tape {

struct TransportAnswer {
  scsi::ScsiStatus status = scsi::ScsiStatus::kGood;
  scsi::Sense sense{};  // with kCheckCondition
  Bytes data_in{};      // what came, up to the limit given
};

// One user at a time. An Error (kIo, kTimeout, kUnavailable) says that the command's outcome is unknown.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                          std::chrono::milliseconds timeout) = 0;
  // Whether nobody but this host can see what is sent: a plain data key goes over such a transport only
  // (feature row D3).
  virtual bool on_local_bus() const = 0;
};

// Calls a logical unit of this process. The unit outlives it; whoever runs the unit's queue runs this.
class InProcessTransport final : public Transport {
 public:
  InProcessTransport(scsi::LogicalUnit& unit, scsi::NexusId nexus) : unit_(unit), nexus_(nexus) {}
  ~InProcessTransport() override { unit_.nexus_lost(nexus_); }
  InProcessTransport(const InProcessTransport&) = delete;
  InProcessTransport& operator=(const InProcessTransport&) = delete;

  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout) override;
  bool on_local_bus() const override { return true; }

 private:
  scsi::LogicalUnit& unit_;
  scsi::NexusId nexus_;
};

}  // namespace tapewarden::tape

// A drive of this host through Linux' SCSI generic interface: /dev/sgN, or /dev/nstN and /dev/stN of the tape
// driver. One user at a time.
//
// The kernel's own tape driver keeps state of its own for /dev/nstN (position, block length). While a drive
// is used through this transport nothing else should have it open; /dev/sgN is the cleaner way in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tape/initiator/transport.h"

struct sg_io_hdr;

namespace tapewarden::tape {

// The one system call: SG_IO with the header. 0, or the value of errno. Replaced in tests.
using SgSubmit = std::function<int(sg_io_hdr& header)>;

class SgIoTransport final : public Transport {
 public:
  // kNotFound, kPermissionDenied, kConflict (in use), kInvalidArgument (no character device), kIo.
  static Result<std::unique_ptr<SgIoTransport>> open(const std::string& path);
  // `local`: see on_local_bus().
  SgIoTransport(SgSubmit submit, bool local);
  ~SgIoTransport() override;

  Result<TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                  std::chrono::milliseconds timeout) override;
  // False for a device that the kernel reaches over iSCSI or USB/IP, and when the system does not tell how it
  // is attached.
  bool on_local_bus() const override { return local_; }

 private:
  SgSubmit submit_;
  bool local_;
};

// Whether a device's place in /sys/devices (all links resolved) lies on this host's own buses. SAS, SATA, USB
// and Fibre Channel count as such; a session of the kernel's iSCSI initiator and the controller of USB/IP do
// not.
bool is_local_bus(std::string_view sysfs_path);

}  // namespace tapewarden::tape

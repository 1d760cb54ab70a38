// One command in the form of Linux' SG_IO (<scsi/sg.h>, version 3): pack and unpack. Pure, thread-safe.
// Internal to tape/transport/.
#pragma once

#include <memory>
#include <scsi/sg.h>

#include "crypto/wiped_bytes.h"
#include "tape/initiator/transport.h"

namespace tapewarden::tape {

inline constexpr std::size_t kSgSenseBytes = 252;  // SPC-4: the longest sense data
inline constexpr std::size_t kSgMaxCdb = 16;

// Owns what the kernel's structure points to; not copyable, since the pointers go into it.
class SgPacket {
 public:
  // kInvalidArgument: a CDB of 0 or more than 16 bytes, data in both directions, or more than 4 GiB.
  // `data_out` must live until submit is over. A timeout of more than 49 days is none.
  static Result<std::unique_ptr<SgPacket>> pack(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                                std::chrono::milliseconds timeout);
  SgPacket(const SgPacket&) = delete;
  SgPacket& operator=(const SgPacket&) = delete;

  sg_io_hdr& header() { return header_; }
  // After the kernel filled the outputs. kTimeout, kUnavailable, kIo as the host adapter reports.
  Result<TransportAnswer> unpack() &&;

 private:
  SgPacket() = default;
  sg_io_hdr header_{};
  Bytes cdb_;
  Bytes sense_;
  crypto::WipedBytes data_in_;
};

}  // namespace tapewarden::tape

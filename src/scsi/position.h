// READ POSITION in its three forms and READ BLOCK LIMITS (SSC-4 sections 6.9 and 7.7). Values; pure,
// thread-safe.
#pragma once

#include "base/bytes.h"
#include "scsi/cdb.h"

namespace tapewarden::scsi {

struct PositionData {
  bool beginning_of_partition = false;
  bool end_of_partition = false;  // between early warning and end of partition
  bool programmable_early_warning = false;
  std::uint8_t partition = 0;
  std::uint64_t logical_object = 0;  // the next one to be read or written
  std::uint64_t file_number = 0;     // long form only
  bool operator==(const PositionData&) const = default;

  // The short form says "not known" for an object number beyond 32 bits (LOLU bit, numbers zero).
  Bytes encode(PositionForm form) const;
  // kCorrupt when cut short; kUnavailable when the device says that it does not know.
  static Result<PositionData> decode(ByteView data, PositionForm form);
};

struct BlockLimits {
  std::uint8_t granularity = 0;
  std::uint32_t maximum = 0;  // below 2^24
  std::uint16_t minimum = 1;
  bool operator==(const BlockLimits&) const = default;
  Bytes encode() const;
  static Result<BlockLimits> decode(ByteView data);
};

}  // namespace tapewarden::scsi

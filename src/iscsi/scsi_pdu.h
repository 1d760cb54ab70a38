// The PDUs that carry SCSI commands and their data (RFC 7143 sections 11.3, 11.4, 11.7, 11.8). Values; pure,
// thread-safe.
#pragma once

#include "iscsi/pdu.h"

namespace tapewarden::iscsi {

inline constexpr std::size_t kCdbBytes = 16;
inline constexpr std::size_t kMaxExtendedCdb = 260;  // SPC-4: the longest CDB there is

// How far both sides are: the numbers in every target PDU.
struct Numbers {
  std::uint32_t stat_sn = 0;
  std::uint32_t exp_cmd_sn = 0;
  std::uint32_t max_cmd_sn = 0;
  bool operator==(const Numbers&) const = default;
};

struct ScsiCommandPdu {
  bool immediate = false;
  bool final = true;  // no unsolicited Data-Out follows
  bool read = false;
  bool write = false;
  std::uint8_t attribute = 1;  // 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t expected_bytes = 0;
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;
  Bytes cdb{};                   // 16 bytes, more with an extended CDB
  bool has_read_length = false;  // bidirectional

  // kInvalidArgument for additional header segments that are cut short or not known.
  static Result<ScsiCommandPdu> decode(const Header& header, ByteView ahs);
  // Without the rest of an extended CDB: encode_ahs().
  Header encode() const;
  Bytes encode_ahs() const;
};

struct DataOutPdu {
  bool final = false;
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t transfer_tag = kNoTag;
  std::uint32_t exp_stat_sn = 0;
  std::uint32_t data_sn = 0;
  std::uint32_t offset = 0;

  static DataOutPdu decode(const Header& header);
  Header encode() const;
};

enum class Residual : std::uint8_t { kNone, kOverflow, kUnderflow };

struct ResidualCount {
  Residual kind = Residual::kNone;
  std::uint32_t bytes = 0;
  bool operator==(const ResidualCount&) const = default;
};

// The device had (or wanted) `actual` bytes, the initiator expected `expected`.
ResidualCount residual_of(std::uint64_t actual, std::uint32_t expected);

struct ScsiResponsePdu {
  std::uint8_t response = 0;  // 0: completed at target, 1: target failure
  std::uint8_t status = 0;
  ResidualCount residual{};
  std::uint32_t task_tag = 0;
  Numbers numbers{};
  std::uint32_t exp_data_sn = 0;  // Data-In and R2T PDUs that were sent

  static ScsiResponsePdu decode(const Header& header);
  Header encode() const;
};

// The data segment of a SCSI response: a length, then the sense (section 11.4.7.2).
Bytes encode_sense_segment(ByteView sense);
Result<ByteView> decode_sense_segment(ByteView segment);

struct DataInPdu {
  bool final = false;
  bool with_status = false;  // S: status, residual and StatSN are meaningful
  std::uint8_t status = 0;
  ResidualCount residual{};
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  Numbers numbers{};
  std::uint32_t data_sn = 0;
  std::uint32_t offset = 0;

  static DataInPdu decode(const Header& header);
  Header encode() const;
};

struct R2tPdu {
  std::uint64_t lun = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t transfer_tag = 0;
  Numbers numbers{};
  std::uint32_t r2t_sn = 0;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;

  static R2tPdu decode(const Header& header);
  Header encode() const;
};

}  // namespace tapewarden::iscsi

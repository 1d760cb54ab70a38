// The records of the data region: header, session payload, links and associated data, as in
// docs/formats/cartridge.md, "Records". Pure functions over bytes. Internal to tape/medium (and its fuzzer).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/env.h"
#include "base/uuid.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/data_key.h"
#include "tape/medium/key_info.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

enum class RecordType : std::uint8_t {
  kSession = 1,
  kData = 2,
  kFilemark = 3,
  kEndOfData = 4,
  kSyncMark = 5,
  kIndex = 6,
};

inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::uint32_t kAlgorithmClear = 0;
inline constexpr std::uint32_t kAlgorithmAesGcm = 0x00010014;  // SSC's code of AES-256-GCM with a 16-byte tag

using HeaderBytes = std::array<std::uint8_t, kHeaderBytes>;
using LinkHead = std::array<std::uint8_t, 8>;
// Header with its checksum fields zero, salt, link of the previous record.
using AssociatedData = std::array<std::uint8_t, kHeaderBytes + kSaltBytes + sizeof(Link)>;

struct RecordHeader {
  RecordType type = RecordType::kData;
  bool encrypted = false;
  bool compressed = false;
  std::uint8_t partition = 0;
  std::uint32_t host_length = 0;    // as the host gave it
  std::uint32_t stored_length = 0;  // as it lies here, without the tag
  std::uint64_t logical_object = 0;
  std::uint32_t file_number = 0;
  std::uint32_t session_id = 0;
  std::uint64_t counter = 0;  // within the session; the IV when encrypted
  std::uint64_t previous_offset = 0;
  LinkHead
      previous_link{};  // first half of the previous record's link: the chain can be followed without a key
  std::uint32_t payload_crc = 0;
  std::uint32_t header_crc = 0;

  bool is_object() const { return type == RecordType::kData || type == RecordType::kFilemark; }
  std::uint64_t body_bytes() const { return std::uint64_t{stored_length} + (encrypted ? kTagBytes : 0); }
  std::uint64_t total_bytes() const { return kHeaderBytes + body_bytes(); }
};

// With the header checksum computed over the rest, payload_crc included.
HeaderBytes encode_header(const RecordHeader& header);
// kCorrupt (kHeaderDamaged) for a wrong magic, checksum, or lengths and flags that do not go together.
// kUnsupported (kNewerFormat) for a version, type or flag that is not known here where the checksum fits.
Result<RecordHeader> decode_header(ByteView bytes);

struct SessionInfo {
  SessionSalt salt{};
  Uuid volume;
  std::uint32_t algorithm = kAlgorithmClear;
  KeyCheckValue check_value{};
  KeyMethod method = KeyMethod::kNone;
  std::uint8_t compression_level = 0;
  bool raw_read_blocked = false;
  std::uint8_t kad_format = 0;
  bool behind_cut_off = false;  // the writing of tape file start_file was cut off before this session
  bool behind_end = false;      // the superblock said that the writing had ended right before this session
  bool ends_considered = true;  // who wrote the session looked whether the last file was cut off
  Link previous_link{};
  std::uint64_t previous_session = 0;  // offset of its record; 0: this is the first
  std::uint64_t start_object = 0;
  std::uint32_t start_file = 0;
  WallTime begun;
  Bytes akad;
  Bytes ukad;

  bool encrypted() const { return algorithm != kAlgorithmClear; }
};

Bytes encode_session(const SessionInfo& session);
// kUnsupported (kNewerFormat) for a flag or an algorithm that only a later version knows; kCorrupt.
Result<SessionInfo> decode_session(ByteView payload);

// `tag`: the record's tag when encrypted, ignored otherwise. `payload`: needed for a session record only.
Link link_of(const RecordHeader& header, ByteView payload, ByteView tag);
LinkHead head_of(const Link& link);
AssociatedData associated_data(const RecordHeader& header, const SessionSalt& salt, const Link& previous);

bool ends_data(RecordType type);  // an end-of-data record, or the index behind it

// "record of object 7 at offset 1049000".
std::string name_of(const RecordHeader& header, std::uint64_t offset);

}  // namespace tapewarden::tape

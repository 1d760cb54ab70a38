// The superblock: identity of a cartridge and its last sync mark. Two of them take turns by generation; the
// valid one with the higher generation counts. Layout: docs/formats/cartridge.md. A value; the codec is pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::tape {

enum class MediumKind : std::uint8_t { kLto = 1, k3592 = 2 };
enum class KeyManagement : std::uint8_t { kNone = 0, kApplication = 1, kLibrary = 2, kSystem = 3 };
std::string_view to_string(MediumKind kind);
std::string_view to_string(KeyManagement management);

// What one record contributes to the next one's check: the tag of an encrypted record, the checksums of a
// clear one, the hash of a session record.
using Link = std::array<std::uint8_t, 16>;

// Everything before `length` was on stable storage when the mark was made.
struct SyncMark {
  std::uint64_t length = 0;          // of the file, in bytes
  std::uint64_t last_offset = 0;     // of the last record before it; 0: there is none
  std::uint64_t logical_object = 0;  // number that the next object will have
  std::uint32_t file_number = 0;     // filemarks before it
  std::uint32_t session_id = 0;      // of the last record; 0: there is none
  Link link{};                       // of the last record
  bool operator==(const SyncMark&) const = default;
};

struct Superblock {
  std::uint64_t generation = 0;
  Uuid volume;
  std::string volser;  // up to 8 characters
  MediumKind kind = MediumKind::kLto;
  std::uint8_t density = 0;
  bool worm = false;
  KeyManagement management = KeyManagement::kNone;
  std::uint8_t compression_level = 0;  // default for sessions; 0: off
  bool closed = false;                 // an end-of-data record stands at the mark
  std::uint64_t capacity_bytes = 0;
  std::uint64_t early_warning_bytes = 0;  // how long before the end the warning zone begins
  WallTime created;
  std::uint32_t next_session_id = 1;
  std::uint64_t index_offset = 0;  // of the stored index record; 0: none
  SyncMark mark;
  // Of a cartridge that was divided (partition_set.h); at rest for one that never was.
  Uuid format;                             // drawn by the format that made the partitions
  std::uint8_t partition = 0;              // that this file holds
  std::uint8_t partitions = 1;             // of the cartridge
  bool formatting = false;                 // a format is to be finished; nothing behind the mark counts
  std::uint64_t medium_bytes = 0;          // capacity of all partitions together; 0: capacity_bytes
  std::uint64_t medium_warning_bytes = 0;  // early warning of the medium when it has one partition
};

inline constexpr std::size_t kSuperblockBytes = 4096;
Bytes encode_superblock(const Superblock& block);
// kInvalidArgument when the bytes are no superblock at all, kCorrupt when they are a damaged one.
Result<Superblock> decode_superblock(ByteView bytes);

}  // namespace tapewarden::tape

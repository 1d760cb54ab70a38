// Logical block protection (SSC-4 section 4.2.28): four bytes of CRC-32C travel behind each logical block, so
// that it is checked on its whole way between the application and the drive. Lengths in commands and in the
// block descriptor count them; what is on the medium has checks of its own and holds none. Pure, thread-safe.
#pragma once

#include "base/bytes.h"
#include "scsi/sense.h"

namespace tapewarden::tape {

// Mode page 0Ah, subpage F0h (SSC-4 table 118).
struct BlockProtection {
  static constexpr std::uint8_t kNone = 0x00;
  static constexpr std::uint8_t kReedSolomon = 0x01;  // of ECMA-319; not offered
  static constexpr std::uint8_t kCrc32c = 0x02;
  bool enabled = false;  // method 02h
  bool on_write = false;
  bool on_read = false;
  bool operator==(const BlockProtection&) const = default;

  bool write() const { return enabled && on_write; }
  bool read() const { return enabled && on_read; }
};

inline constexpr std::size_t kGuardBytes = 4;

// The guard of a block: CRC-32C, least significant byte first, as LTFS and the drives of the field have it.
std::array<std::uint8_t, kGuardBytes> guard_of(ByteView block);
// The block without its guard; 0B/10/01 when that does not fit or there is nothing before it.
scsi::Outcome<ByteView> without_guard(ByteView guarded);

}  // namespace tapewarden::tape

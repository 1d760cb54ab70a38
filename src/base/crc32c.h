// CRC-32C (Castagnoli; RFC 3720 appendix B.4, and the checksum of SSC logical block protection). Uses the
// processor's instruction where there is one. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tapewarden {

// crc32c(all) == crc32c(second, crc32c(first)).
std::uint32_t crc32c(ByteView data, std::uint32_t seed = 0);

}  // namespace tapewarden

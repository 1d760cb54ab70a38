// Key-associated data descriptors (SSC-4 section 8.5.4): names of keys and the like that travel with a key
// and are kept on the medium. Values; pure, thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "scsi/sense.h"

namespace tapewarden::scsi {

enum class KadKind : std::uint8_t {
  kUnauthenticated = 0,  // U-KAD
  kAuthenticated = 1,    // A-KAD
  kNonce = 2,
  kMetadata = 3,    // M-KAD
  kWrappedKey = 4,  // WK-KAD
};

// Meaningful in what a device reports; zero in what it is given.
enum class Authentication : std::uint8_t {
  kNone = 0,
  kNotCovered = 1,
  kNotAttempted = 2,
  kGood = 3,
  kFailed = 4
};

struct KeyAssociatedData {
  KadKind kind = KadKind::kUnauthenticated;
  Authentication authentication = Authentication::kNone;
  Bytes value{};
  bool operator==(const KeyAssociatedData&) const = default;
};

using KadList = std::vector<KeyAssociatedData>;

Bytes encode_kads(const KadList& kads);
// From a page that a device sent. kCorrupt when cut short or of an unknown kind.
Result<KadList> decode_kads(ByteView bytes);
// From a parameter list, checked as a device does: kinds ascending and each at most once, flags zero (a
// client that leaves garbage there is told so), lengths within kMaxKadLength. `base` is the offset in the
// list, for the field pointer.
Outcome<KadList> parse_kads(ByteView bytes, std::size_t base);

const KeyAssociatedData* find_kad(const KadList& kads, KadKind kind);

}  // namespace tapewarden::scsi

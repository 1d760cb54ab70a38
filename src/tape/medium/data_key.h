// A data key (DK) as the cartridge uses it: never to encrypt directly, only to derive the key of one write
// session and the check value that recognises the DK. Immutable, thread-safe; shared by handle, so that the
// secret lives in one place and is wiped when the last user lets go.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/uuid.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::tape {

inline constexpr std::size_t kDataKeyBytes = 32;
inline constexpr std::size_t kSaltBytes = 32;

using KeyCheckValue = std::array<std::uint8_t, 16>;
using SessionSalt = std::array<std::uint8_t, kSaltBytes>;

class DataKey {
 public:
  // REQUIRES: key.size() == kDataKeyBytes.
  explicit DataKey(crypto::SecretBytes key);

  // HKDF-SHA-256(DK, no salt, "kcv" || volume UUID), 16 bytes (D4). Public: it says nothing about the DK.
  KeyCheckValue check_value(const Uuid& volume) const;
  // HKDF-SHA-256(DK, salt, "tapewarden record" || volume UUID), 32 bytes; of another partition than 0 with
  // its number behind that, so that two partitions have no key in common whatever their salts.
  crypto::SecretBytes session_key(const SessionSalt& salt, const Uuid& volume,
                                  std::uint8_t partition = 0) const;

 private:
  crypto::SecretBytes key_;
};

using DataKeyHandle = std::shared_ptr<const DataKey>;

}  // namespace tapewarden::tape

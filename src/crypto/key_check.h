// The key check value of a data key on a volume (D4): says whether a key is the right one without saying
// anything about the key. Never the encryption of a known block, which would help a search for the key.
#pragma once

#include <array>

#include "base/uuid.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kKeyCheckBytes = 16;
using KeyCheckValue = std::array<std::uint8_t, kKeyCheckBytes>;

// HKDF-SHA-256(key = data key, salt = empty, info = "kcv" || volume UUID (16 bytes)), 16 bytes. Thread-safe.
KeyCheckValue key_check_value(const SecretBytes& data_key, const Uuid& volume);

}  // namespace tapewarden::crypto

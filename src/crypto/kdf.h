// Key derivation: HKDF-SHA-256 (RFC 5869) and scrypt (RFC 7914).
#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/digest.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

// `info` names the purpose: every use in the program has its own. Thread-safe.
SecretBytes hkdf_sha256(const SecretBytes& key, ByteView salt, ByteView info, std::size_t size);

// Costs of scrypt; the memory used is 128 * r * n bytes.
struct ScryptCost {
  std::uint64_t n = 1U << 15;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};
inline constexpr std::uint64_t kScryptMemoryLimit = 512U
                                                    << 20;  // a stored cost beyond it is refused, not run

// kInvalidArgument when the cost is no power of two or goes beyond kScryptMemoryLimit. Thread-safe.
Result<SecretBytes> scrypt(const SecretBytes& passphrase, ByteView salt, ScryptCost cost, std::size_t size);

// PBKDF2 with HMAC (RFC 8018), for what others derive so. kUnsupported as digest(). Thread-safe.
Result<SecretBytes> pbkdf2(DigestName hmac, const SecretBytes& password, ByteView salt, unsigned iterations,
                           std::size_t size);

}  // namespace tapewarden::crypto

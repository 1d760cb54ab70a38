// AES-256-GCM (NIST SP 800-38D) with 96-bit IVs and 16-byte tags. Whoever calls seal() owes that no IV meets
// the same key twice.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kAesKeyBytes = 32;
inline constexpr std::size_t kGcmIvBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

using GcmIv = std::array<std::uint8_t, kGcmIvBytes>;
using GcmTag = std::array<std::uint8_t, kGcmTagBytes>;

// The IV whose last 8 bytes are `counter` big-endian and whose first 4 are zero.
GcmIv counter_iv(std::uint64_t counter);

// One key, prepared once (key schedule kept in an OpenSSL context, wiped on destruction). Not thread-safe.
class AesGcm {
 public:
  explicit AesGcm(const SecretBytes& key);  // REQUIRES: key.size() == kAesKeyBytes
  ~AesGcm();
  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;

  // REQUIRES: ciphertext.size() == plaintext.size(); they may be the same memory.
  GcmTag seal(const GcmIv& iv, ByteView associated, ByteView plaintext, MutableByteView ciphertext);
  // kCorrupt when the tag does not fit; `plaintext` is then wiped.
  Status open(const GcmIv& iv, ByteView associated, ByteView ciphertext, const GcmTag& tag,
              MutableByteView plaintext);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A sealed box for secrets at rest: random IV (12) || ciphertext || tag (16). For keys that seal few boxes
// (below 2^32), such as row keys. Thread-safe.
Bytes seal_box(const SecretBytes& key, ByteView associated, ByteView secret, Random& random);
// kCorrupt when it was changed, cut, or sealed with another key or other associated data.
Result<SecretBytes> open_box(const SecretBytes& key, ByteView associated, ByteView box);
inline constexpr std::size_t kBoxOverhead = kGcmIvBytes + kGcmTagBytes;

}  // namespace tapewarden::crypto

// AES-256 in XTS mode (IEEE 1619-2018, NIST SP 800-38E) for files that are changed in place: it hides what
// they hold and keeps their length, and says nothing about who changed them. Whoever must notice a change
// keeps a checksum or tag within.
#pragma once

#include <cstdint>
#include <memory>

#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kXtsKeyBytes = 64;  // two AES-256 keys, which must differ
inline constexpr std::size_t kXtsBlockBytes = 16;
inline constexpr std::size_t kXtsUnitLimit =
    (std::size_t{1} << 20) * kXtsBlockBytes;  // SP 800-38E, section 4

// One key, prepared once. Not thread-safe.
class AesXts {
 public:
  explicit AesXts(const SecretBytes& key);  // REQUIRES: key.size() == kXtsKeyBytes, its halves differ
  ~AesXts();
  AesXts(AesXts&&) noexcept;
  AesXts& operator=(AesXts&&) noexcept;

  // Transforms `data`, the beginning of data unit `unit`, in place. Each block of 16 bytes stands for itself:
  // it comes out the same whatever stands before or behind it in the unit. REQUIRES: whole blocks, at least
  // one, no more than kXtsUnitLimit.
  void encrypt(std::uint64_t unit, MutableByteView data);
  void decrypt(std::uint64_t unit, MutableByteView data);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::crypto

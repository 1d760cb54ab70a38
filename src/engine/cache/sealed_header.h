// The first 4096 bytes of a sealed cache file: docs/formats/cache-file.md. Pure.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "crypto/xts.h"

namespace tapewarden::engine {

inline constexpr std::size_t kSealedHeaderBytes = 4096;
inline constexpr std::size_t kSealedSaltBytes = 32;

struct SealedHeader {
  std::array<std::uint8_t, kSealedSaltBytes> salt{};
  Hash256 check_value{};  // of the key that the file is sealed under
};

Bytes encode_sealed_header(const SealedHeader& header);
// kCorrupt; kUnsupported for a version that only a newer program knows.
Result<SealedHeader> decode_sealed_header(ByteView bytes);

Hash256 sealed_check_value(const crypto::SecretBytes& key, ByteView salt);
crypto::AesXts sealed_cipher(const crypto::SecretBytes& key, ByteView salt);

}  // namespace tapewarden::engine

#include "engine/cache/sealed_header.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "crypto/kdf.h"

namespace tapewarden::engine {
namespace {

constexpr std::string_view kMagic = "TWSEALED";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kChecksummed = kMagic.size() + 2 + kSealedSaltBytes + 32;

}  // namespace

Bytes encode_sealed_header(const SealedHeader& header) {
  ByteWriter out;
  out.text(kMagic).u16(kVersion).bytes(header.salt).bytes(header.check_value);
  TW_ASSERT(out.size() == kChecksummed);
  out.u32(crc32c(out.view()));
  out.zeros(kSealedHeaderBytes - out.size());
  return out.take();
}

Result<SealedHeader> decode_sealed_header(ByteView bytes) {
  if (bytes.size() < kSealedHeaderBytes)
    return fail(ErrorCode::kCorrupt, "a sealed file ends within its header");
  ByteReader in(bytes);
  if (as_text(TRY(in.bytes(kMagic.size(), "magic"))) != kMagic)
    return fail(ErrorCode::kCorrupt, "this is no sealed file of a cache");
  const auto version = TRY(in.u16("version"));
  SealedHeader header;
  header.salt = TRY(in.array<kSealedSaltBytes>("salt"));
  header.check_value = TRY(in.array<32>("check value"));
  if (TRY(in.u32("checksum")) != crc32c(bytes.first(kChecksummed)))
    return fail(ErrorCode::kCorrupt, "the header of a sealed file does not fit its checksum");
  if (version != kVersion)
    return fail(ErrorCode::kUnsupported, "the sealed file has version " + std::to_string(version), "version",
                "a newer program is needed to read it");
  return header;
}

Hash256 sealed_check_value(const crypto::SecretBytes& key, ByteView salt) {
  const auto derived = crypto::hkdf_sha256(key, salt, as_bytes("tapewarden cache file check value"), 32);
  Hash256 value;
  copy_bytes(value, derived.reveal());
  return value;
}

crypto::AesXts sealed_cipher(const crypto::SecretBytes& key, ByteView salt) {
  return crypto::AesXts(
      crypto::hkdf_sha256(key, salt, as_bytes("tapewarden cache file xts"), crypto::kXtsKeyBytes));
}

}  // namespace tapewarden::engine

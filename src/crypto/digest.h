// The hash functions and message authentication codes of protocols that name their own: FIPS 180-4, FIPS 202,
// FIPS 198-1 (HMAC), NIST SP 800-38B (CMAC). For what this program seals itself see hash.h. One object is
// used by one thread at a time.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

// Older ones are there for reading and for peers that have nothing else.
enum class DigestName : std::uint8_t {
  kMd5,
  kSha1,
  kSha224,
  kSha256,
  kSha384,
  kSha512,
  kSha512_224,
  kSha512_256,
  kSha3_224,
  kSha3_256,
  kSha3_384,
  kSha3_512,
  kRipemd160,
};

std::size_t digest_size(DigestName name);
// kUnsupported: this machine's OpenSSL has it not (RIPEMD-160 without the legacy provider).
Result<Bytes> digest(DigestName name, ByteView data);

// A hash in the making, which may be copied at any point.
class DigestStream {
 public:
  static Result<DigestStream> start(DigestName name);  // errors as digest()
  DigestStream(DigestStream&&) noexcept;
  DigestStream& operator=(DigestStream&&) noexcept;
  ~DigestStream();
  DigestStream clone() const;
  void update(ByteView data);
  Bytes finish();  // REQUIRES: nothing follows

 private:
  struct State;
  explicit DigestStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A MAC in the making: HMAC with that hash, or CMAC with AES where there is none.
class MacStream {
 public:
  // kInvalidArgument: for CMAC a key that is none of AES. kUnsupported as digest().
  static Result<MacStream> start(std::optional<DigestName> hmac, const SecretBytes& key);
  MacStream(MacStream&&) noexcept;
  MacStream& operator=(MacStream&&) noexcept;
  ~MacStream();
  MacStream clone() const;
  void update(ByteView data);
  Bytes finish();  // REQUIRES: nothing follows

 private:
  struct State;
  explicit MacStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tapewarden::crypto

// Symmetric encryption for protocols that name algorithm and mode themselves: AES, triple DES, Camellia and
// ChaCha20 with the modes of NIST SP 800-38A, 38D, 38E and RFC 8439. For what this program seals itself see
// aead.h. One object is used by one thread at a time.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

enum class CipherName : std::uint8_t { kAes, kTripleDes, kCamellia, kChaCha20, kChaCha20Poly1305 };
enum class CipherMode : std::uint8_t { kEcb, kCbc, kCfb, kOfb, kCtr, kGcm, kXts, kNone };

struct CipherSpec {
  CipherName name = CipherName::kAes;
  CipherMode mode = CipherMode::kCbc;  // kNone for ChaCha20
  bool padding = false;                // PKCS #7, of kEcb and kCbc
};

// Of kGcm and ChaCha20-Poly1305: the result is authenticated by a tag.
bool is_authenticated(const CipherSpec& spec);
// How long an IV is drawn for it; 0: it has none.
std::size_t natural_iv_size(const CipherSpec& spec);

// One encryption or decryption in the making, which may be copied at any point.
class Cipher {
 public:
  // Errors: kUnsupported: no such combination of algorithm, mode and key size. kInvalidArgument: an IV of a
  // length that the mode has not, field "iv".
  static Result<Cipher> start(const CipherSpec& spec, bool encrypt, const SecretBytes& key, ByteView iv,
                              ByteView associated);
  Cipher(Cipher&&) noexcept;
  Cipher& operator=(Cipher&&) noexcept;
  ~Cipher();
  Cipher clone() const;

  Result<Bytes> update(ByteView data);
  // What is left. `tag`: what authenticates a decryption; the whole of it then counts as wrong when it does
  // not fit. kCorrupt: that, or wrong padding, or data that is no whole number of blocks.
  Result<Bytes> finish(ByteView tag = {});
  // Of an authenticated encryption that has finished. REQUIRES: 4 <= size <= 16.
  Bytes tag(std::size_t size);

 private:
  struct State;
  explicit Cipher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// AES key wrap: RFC 3394, or with padding RFC 5649. `key`: of AES. kInvalidArgument: a key or a length that
// it has not.
Result<Bytes> wrap_key(const SecretBytes& key, const SecretBytes& secret, bool padded);
// kCorrupt when it does not fit.
Result<SecretBytes> unwrap_key(const SecretBytes& key, ByteView wrapped, bool padded);

}  // namespace tapewarden::crypto

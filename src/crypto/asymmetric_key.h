// Asymmetric keys of whatever algorithm and size a protocol's client brings: RSA, DSA, elliptic curves,
// Ed25519 and the like, with the paddings that it names. For the keys that this program itself trusts see
// keys.h, which takes few and checks them. Values that share an immutable key; thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/digest.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

enum class KeyEncoding : std::uint8_t {
  kPkcs1,  // RFC 8017 appendix A.1; RSA alone
  kPkcs8,  // RFC 5958; private
  kSpki,   // SubjectPublicKeyInfo of RFC 5280; public
  kSec1,   // RFC 5915; private elliptic curve keys
};

enum class KeyAlgorithm : std::uint8_t { kRsa, kDsa, kEc, kOther };

// The numbers of a key, unsigned and big-endian; those that a key has not stay empty.
struct KeyNumbers {
  // RSA
  Bytes modulus, public_exponent;
  SecretBytes private_exponent, prime_p, prime_q, exponent_p, exponent_q, coefficient;
  // DSA
  Bytes p, q, g, y;
  SecretBytes x;
  // Elliptic curves
  std::string curve;  // OpenSSL's name: "prime256v1"
  Bytes point;        // X9.62, uncompressed or compressed
  SecretBytes scalar;
};

enum class SignaturePadding : std::uint8_t { kPkcs1, kPss };
struct SignatureScheme {
  DigestName digest = DigestName::kSha256;
  SignaturePadding padding = SignaturePadding::kPkcs1;  // of RSA
  std::optional<int> salt_bytes;                        // of PSS; nothing: as long as the hash, or any
  std::optional<DigestName> mask_digest;                // of PSS; nothing: the same
};

enum class EncryptionPadding : std::uint8_t { kPkcs1, kOaep, kNone };
struct EncryptionScheme {
  EncryptionPadding padding = EncryptionPadding::kOaep;
  DigestName digest = DigestName::kSha1;
  std::optional<DigestName> mask_digest;
  Bytes label;
};

class AsymmetricKey {
 public:
  // kInvalidArgument: what stands there is no such key, or more than it. `is_private`: which half.
  static Result<AsymmetricKey> decode(KeyEncoding encoding, bool is_private, const SecretBytes& der);
  static Result<AsymmetricKey> from_numbers(KeyAlgorithm algorithm, bool is_private,
                                            const KeyNumbers& numbers);
  // kInvalidArgument: a size of RSA other than 1024 to 8192, a curve that there is none.
  static Result<AsymmetricKey> generate_rsa(unsigned bits);
  static Result<AsymmetricKey> generate_ec(const std::string& curve);

  KeyAlgorithm algorithm() const;
  unsigned bits() const;
  bool is_private() const { return is_private_; }
  // kUnsupported: the key has no such form. The public encodings are given of private keys too.
  Result<SecretBytes> encode(KeyEncoding encoding, bool private_half) const;
  Result<KeyNumbers> numbers() const;

  // Over a hash of the message. kUnsupported: the key does not sign, or not so. REQUIRES: is_private().
  Result<Bytes> sign_digest(const SignatureScheme& scheme, ByteView digest) const;
  Result<bool> verify_digest(const SignatureScheme& scheme, ByteView digest, ByteView signature) const;
  // RSA. kCorrupt: the data does not fit the key.
  Result<Bytes> encrypt(const EncryptionScheme& scheme, ByteView data) const;
  Result<SecretBytes> decrypt(const EncryptionScheme& scheme, ByteView data) const;
  // Diffie-Hellman over an elliptic curve: the shared secret.
  Result<SecretBytes> agree(const AsymmetricKey& other) const;

 private:
  struct State;
  AsymmetricKey(std::shared_ptr<const State> state, bool is_private);
  std::shared_ptr<const State> state_;
  bool is_private_ = false;
};

}  // namespace tapewarden::crypto

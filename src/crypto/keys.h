// Asymmetric keys: RSA for wrapping (RSAES-OAEP with SHA-256 and MGF1-SHA-256, RFC 8017) and P-256 for
// signing (ECDSA with SHA-256, FIPS 186-5). Values that share an immutable key; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

enum class KeyKind : std::uint8_t { kRsa, kEcP256 };

class PublicKey {
 public:
  PublicKey() = default;  // empty: only assignment and empty() are allowed
  // From a DER SubjectPublicKeyInfo. kInvalidArgument for another algorithm, curve, or an RSA size that is
  // not 2048, 3072 or 4096, and for an RSA exponent that is even or 1: a wrap would be no wrap.
  static Result<PublicKey> from_spki(ByteView der);

  bool empty() const { return state_ == nullptr; }
  KeyKind kind() const;
  unsigned bits() const;
  Bytes spki() const;         // DER SubjectPublicKeyInfo
  Hash256 spki_hash() const;  // SHA-256 of spki(): a KEK's hash label

  // RSA only. The OAEP label is authenticated with the wrap. kInvalidArgument when the secret is too long for
  // the key, or the key is not RSA.
  Result<Bytes> wrap(const SecretBytes& secret, ByteView oaep_label = {}) const;
  // P-256 only: whether `signature` is a DER ECDSA signature over `message`. False for an RSA key.
  bool verify(ByteView message, ByteView signature) const;

  bool operator==(const PublicKey& other) const;

 private:
  friend struct KeyAccess;
  struct State;
  std::shared_ptr<const State> state_;
};

class PrivateKey {
 public:
  PrivateKey() = default;
  static PrivateKey generate_rsa(unsigned bits);  // REQUIRES: 2048, 3072 or 4096
  static PrivateKey generate_p256();
  // From unencrypted PKCS#8 DER. kInvalidArgument as for PublicKey::from_spki.
  static Result<PrivateKey> from_pkcs8(const SecretBytes& der);
  // The first private key in the PEM text: PKCS#8, or the older plain RSA and EC forms. A passphrase is used
  // when the PKCS#8 is encrypted. kInvalidArgument when it does not parse or a passphrase is missing,
  // kWrongKey when the passphrase does not fit.
  static Result<PrivateKey> from_pem(const SecretBytes& pem, const SecretBytes* passphrase = nullptr);

  bool empty() const { return state_ == nullptr; }
  KeyKind kind() const;
  SecretBytes pkcs8() const;
  SecretBytes pem() const;  // unencrypted PKCS#8
  PublicKey public_key() const;
  // That both halves belong together, proved by using them once (milliseconds for RSA). from_pem() and
  // read_pkcs12() refuse a key that fails this; from_pkcs8() does not look, since it serves the keystore too.
  bool fits_together() const;

  // Every failure is the same kCorrupt error, after the same work (K7); a key that is not RSA gives it too.
  Result<SecretBytes> unwrap(ByteView wrapped, ByteView oaep_label = {}) const;
  // REQUIRES: P-256. A DER ECDSA signature over `message`.
  Bytes sign(ByteView message) const;

 private:
  friend struct KeyAccess;
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace tapewarden::crypto

// Asymmetric keys: RSA for wrapping (RSAES-OAEP with SHA-256 and MGF1-SHA-256, RFC 8017) and P-256 for
// signing (ECDSA with SHA-256, FIPS 186-5). Values that share an immutable key; thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

struct evp_pkey_st;

namespace tapewarden::crypto {

enum class KeyKind : std::uint8_t { kRsa, kEcP256 };

class PublicKey {
 public:
  PublicKey() = default;  // empty: only assignment and empty() are allowed
  // From a DER SubjectPublicKeyInfo. kInvalidArgument for another algorithm, curve, or an RSA size that is
  // not 2048, 3072 or 4096.
  static Result<PublicKey> from_spki(ByteView der);

  bool empty() const { return key_ == nullptr; }
  KeyKind kind() const;
  unsigned bits() const;
  Bytes spki() const;         // DER SubjectPublicKeyInfo
  Hash256 spki_hash() const;  // SHA-256 of spki(): a KEK's hash label

  // RSA only. The OAEP label is authenticated with the wrap. kInvalidArgument when too long for the key.
  Result<Bytes> wrap(const SecretBytes& secret, ByteView oaep_label = {}) const;
  // P-256 only: a DER ECDSA signature over `message`.
  bool verify(ByteView message, ByteView signature) const;

  bool operator==(const PublicKey& other) const;

 private:
  friend class PrivateKey;
  friend class Certificate;
  friend struct KeyAccess;
  std::shared_ptr<evp_pkey_st> key_;
};

class PrivateKey {
 public:
  PrivateKey() = default;
  static PrivateKey generate_rsa(unsigned bits);  // REQUIRES: 2048, 3072 or 4096
  static PrivateKey generate_p256();
  // From unencrypted PKCS#8 DER.
  static Result<PrivateKey> from_pkcs8(const SecretBytes& der);
  // From PEM, encrypted PKCS#8 when a passphrase is given.
  static Result<PrivateKey> from_pem(const SecretBytes& pem, const SecretBytes* passphrase = nullptr);

  bool empty() const { return key_ == nullptr; }
  KeyKind kind() const;
  SecretBytes pkcs8() const;
  SecretBytes pem() const;  // unencrypted PKCS#8
  PublicKey public_key() const;

  // RSA only. Every failure is the same kCorrupt error, after the same work (K7).
  Result<SecretBytes> unwrap(ByteView wrapped, ByteView oaep_label = {}) const;
  // P-256 only.
  Bytes sign(ByteView message) const;

 private:
  friend struct KeyAccess;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace tapewarden::crypto

// What PublicKey and PrivateKey share behind their pointers. Internal to crypto/. Immutable once made, so
// threads may share it; OpenSSL locks what it caches inside a key.
#pragma once

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

struct PublicKey::State {
  PkeyPtr key;
  KeyKind kind = KeyKind::kRsa;
  unsigned bits = 0;
  // Encoded once: a KEK's hash is asked for on every request.
  Bytes spki;
  Hash256 spki_hash{};
};

struct PrivateKey::State {
  PkeyPtr key;
  PublicKey public_key;
  Bytes modulus;  // RSA only, big-endian, without leading zeros
};

// A context for RSA-OAEP with SHA-256 and MGF1-SHA-256, made ready by `init`, which is
// EVP_PKEY_encrypt_init_ex or EVP_PKEY_decrypt_init_ex.
using OaepInit = int (*)(EVP_PKEY_CTX*, const OSSL_PARAM*);
PkeyContextPtr oaep_context(EVP_PKEY* key, ByteView label, OaepInit init);

}  // namespace tapewarden::crypto

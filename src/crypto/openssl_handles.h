// Owners of OpenSSL objects, and the way into the raw handles of keys and certificates. Internal: only
// crypto/ and net/ include it. Pure declarations; the owners follow the thread rules of the objects they own.
#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string_view>

#include "base/assert.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"

namespace tapewarden::crypto {

template <auto Free>
struct OpensslDelete {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using OpensslPtr = std::unique_ptr<T, OpensslDelete<Free>>;

using BioPtr = OpensslPtr<BIO, BIO_free>;
using BignumPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using CipherContextPtr = OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestContextPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using MacContextPtr = OpensslPtr<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyContextPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Pkcs8Ptr = OpensslPtr<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using Pkcs12Ptr = OpensslPtr<PKCS12, PKCS12_free>;
using SignatureBlobPtr = OpensslPtr<X509_SIG, X509_SIG_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;
using X509RequestPtr = OpensslPtr<X509_REQ, X509_REQ_free>;

// While it lives, what OpenSSL calls leave in this thread's error queue is dropped again: a refused signature
// here must not look like a failed TLS session to whoever asks the queue next.
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

// A BIO that reads the view in place, without a copy. The view must outlive it.
BioPtr reading_bio(ByteView view);

// Texts and DER from outside beyond this size are refused unread: no certificate or key file comes near it.
inline constexpr std::size_t kEncodedLimit = 4U << 20;

// Raw handles. Borrowed: valid while the key or certificate lives. OpenSSL's setters take a reference of
// their own, and lock what they change inside, hence the pointers to non-const.
struct KeyAccess {
  static EVP_PKEY* handle(const PublicKey& key);
  static EVP_PKEY* handle(const PrivateKey& key);
  // kInvalidArgument unless it is RSA of 2048, 3072 or 4096 bits or P-256.
  static Result<PublicKey> make_public(PkeyPtr key);
  static Result<PrivateKey> make_private(PkeyPtr key);
};

struct CertificateAccess {
  static X509* handle(const Certificate& certificate);
  static Certificate make(X509Ptr certificate);
};

// See Certificate::common_name().
std::string common_name_of(const X509_NAME* name);

}  // namespace tapewarden::crypto

#include "crypto/asymmetric_key.h"

#include <array>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <utility>

#include "base/assert.h"
#include "base/concat.h"
#include "crypto/asymmetric_state.h"
#include "crypto/digest_names.h"

namespace tapewarden::crypto {
namespace {

using DecoderPtr = OpensslPtr<OSSL_DECODER_CTX, OSSL_DECODER_CTX_free>;
using EncoderPtr = OpensslPtr<OSSL_ENCODER_CTX, OSSL_ENCODER_CTX_free>;

constexpr unsigned kLeastRsa = 1024;
constexpr unsigned kMostRsa = 8192;

std::unexpected<Error> no_key(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, concat("this is no ", what), "key");
}

const char* structure_of(KeyEncoding encoding) {
  switch (encoding) {
    case KeyEncoding::kPkcs8:
      return "PrivateKeyInfo";
    case KeyEncoding::kSpki:
      return "SubjectPublicKeyInfo";
    case KeyEncoding::kPkcs1:
    case KeyEncoding::kSec1:
      break;
  }
  return "type-specific";
}

const char* type_of(KeyEncoding encoding) {
  if (encoding == KeyEncoding::kPkcs1) return "RSA";
  return encoding == KeyEncoding::kSec1 ? "EC" : nullptr;
}

int selection_of(bool is_private) {
  return is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
}

}  // namespace

AsymmetricKey::AsymmetricKey(std::shared_ptr<const State> state, bool is_private)
    : state_(std::move(state)), is_private_(is_private) {}

Result<AsymmetricKey> AsymmetricKey::decode(KeyEncoding encoding, bool is_private, const SecretBytes& der) {
  const ErrorScope errors;
  EVP_PKEY* key = nullptr;
  const DecoderPtr decoder(OSSL_DECODER_CTX_new_for_pkey(
      &key, "DER", structure_of(encoding), type_of(encoding), selection_of(is_private), nullptr, nullptr));
  TW_ASSERT(decoder != nullptr);
  const auto* at = der.reveal().data();
  std::size_t left = der.size();
  const bool read = !der.empty() && OSSL_DECODER_from_data(decoder.get(), &at, &left) == 1;
  PkeyPtr owned(key);
  if (!read || owned == nullptr || left != 0) return no_key(is_private ? "private key" : "public key");
  return AsymmetricKey(std::make_shared<const State>(State{std::move(owned)}), is_private);
}

Result<AsymmetricKey> AsymmetricKey::generate_rsa(unsigned bits) {
  if (bits < kLeastRsa || bits > kMostRsa || bits % 256 != 0) {
    return fail(ErrorCode::kInvalidArgument,
                concat("RSA keys of ", kLeastRsa, " to ", kMostRsa, " bits are made here"), "length");
  }
  PkeyPtr key(EVP_RSA_gen(bits));
  TW_ASSERT(key != nullptr);
  return AsymmetricKey(std::make_shared<const State>(State{std::move(key)}), true);
}

Result<AsymmetricKey> AsymmetricKey::generate_ec(const std::string& curve) {
  const ErrorScope errors;
  PkeyPtr key(EVP_EC_gen(curve.c_str()));
  if (key == nullptr) return fail(ErrorCode::kInvalidArgument, "no curve " + curve, "curve");
  return AsymmetricKey(std::make_shared<const State>(State{std::move(key)}), true);
}

KeyAlgorithm AsymmetricKey::algorithm() const {
  const auto* key = state_->key.get();
  if (EVP_PKEY_is_a(key, "RSA") == 1) return KeyAlgorithm::kRsa;
  if (EVP_PKEY_is_a(key, "DSA") == 1) return KeyAlgorithm::kDsa;
  return EVP_PKEY_is_a(key, "EC") == 1 ? KeyAlgorithm::kEc : KeyAlgorithm::kOther;
}

unsigned AsymmetricKey::bits() const {
  return static_cast<unsigned>(EVP_PKEY_get_bits(state_->key.get()));
}

Result<SecretBytes> AsymmetricKey::encode(KeyEncoding encoding, bool private_half) const {
  const ErrorScope errors;
  if (private_half && !is_private_) return no_key("private key");
  const auto wanted = type_of(encoding);
  const bool fits = wanted == nullptr || EVP_PKEY_is_a(state_->key.get(), wanted) == 1;
  const EncoderPtr encoder(fits ? OSSL_ENCODER_CTX_new_for_pkey(state_->key.get(), selection_of(private_half),
                                                                "DER", structure_of(encoding), nullptr)
                                : nullptr);
  unsigned char* data = nullptr;
  std::size_t size = 0;
  if (encoder == nullptr || OSSL_ENCODER_to_data(encoder.get(), &data, &size) != 1) {
    return fail(ErrorCode::kUnsupported, "the key has no such form", "key");
  }
  auto out = SecretBytes::copy_of({data, size});
  OPENSSL_clear_free(data, size);
  return out;
}

namespace {

Status set_padding(EVP_PKEY_CTX* context, const SignatureScheme& scheme, bool signing) {
  if (scheme.padding != SignaturePadding::kPss) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 ? Status() : no_key("RSA key");
  }
  const auto* mask = openssl_name(scheme.mask_digest.value_or(scheme.digest));
  const int otherwise = signing ? RSA_PSS_SALTLEN_DIGEST : RSA_PSS_SALTLEN_AUTO;
  const bool set = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, mask, nullptr) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(context, scheme.salt_bytes.value_or(otherwise)) == 1;
  return set ? Status() : no_key("key for PSS");
}

Status set_scheme(EVP_PKEY_CTX* context, const SignatureScheme& scheme, bool rsa, bool signing) {
  const OpensslPtr<EVP_MD, EVP_MD_free> algorithm(
      EVP_MD_fetch(nullptr, openssl_name(scheme.digest), nullptr));
  if (algorithm == nullptr || EVP_PKEY_CTX_set_signature_md(context, algorithm.get()) != 1) {
    return fail(ErrorCode::kUnsupported, "the key does not sign with that hash", "digest");
  }
  return rsa ? set_padding(context, scheme, signing) : Status();
}

std::unexpected<Error> does_not_sign() {
  return fail(ErrorCode::kUnsupported, "the key does not sign so", "key");
}

}  // namespace

Result<Bytes> AsymmetricKey::sign_digest(const SignatureScheme& scheme, ByteView digest) const {
  const ErrorScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (!is_private_ || EVP_PKEY_sign_init(context.get()) != 1) return does_not_sign();
  TRY(set_scheme(context.get(), scheme, algorithm() == KeyAlgorithm::kRsa, true));
  std::size_t size = 0;
  if (EVP_PKEY_sign(context.get(), nullptr, &size, digest.data(), digest.size()) != 1) return does_not_sign();
  Bytes out(size);
  if (EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) != 1) {
    return does_not_sign();
  }
  out.resize(size);
  return out;
}

Result<bool> AsymmetricKey::verify_digest(const SignatureScheme& scheme, ByteView digest,
                                          ByteView signature) const {
  const ErrorScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (EVP_PKEY_verify_init(context.get()) != 1) return does_not_sign();
  TRY(set_scheme(context.get(), scheme, algorithm() == KeyAlgorithm::kRsa, false));
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) ==
         1;
}

namespace {

Status set_oaep(EVP_PKEY_CTX* context, const EncryptionScheme& scheme) {
  if (EVP_PKEY_CTX_set_rsa_oaep_md_name(context, openssl_name(scheme.digest), nullptr) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, openssl_name(scheme.mask_digest.value_or(scheme.digest)),
                                        nullptr) != 1) {
    return fail(ErrorCode::kUnsupported, "no OAEP with that hash", "digest");
  }
  if (scheme.label.empty()) return {};
  auto* label = static_cast<unsigned char*>(OPENSSL_memdup(scheme.label.data(), scheme.label.size()));
  TW_ASSERT(label != nullptr);
  if (EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, static_cast<int>(scheme.label.size())) == 1) return {};
  OPENSSL_free(label);
  return fail(ErrorCode::kUnsupported, "the OAEP label is refused", "label");
}

Status set_scheme(EVP_PKEY_CTX* context, const EncryptionScheme& scheme) {
  int padding = RSA_NO_PADDING;
  if (scheme.padding == EncryptionPadding::kPkcs1) padding = RSA_PKCS1_PADDING;
  if (scheme.padding == EncryptionPadding::kOaep) padding = RSA_PKCS1_OAEP_PADDING;
  if (EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1) return no_key("RSA key");
  return scheme.padding == EncryptionPadding::kOaep ? set_oaep(context, scheme) : Status();
}

std::unexpected<Error> does_not_fit() {
  return fail(ErrorCode::kCorrupt, "the data does not fit the key");
}

}  // namespace

Result<Bytes> AsymmetricKey::encrypt(const EncryptionScheme& scheme, ByteView data) const {
  const ErrorScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (EVP_PKEY_encrypt_init(context.get()) != 1) return no_key("key that encrypts");
  TRY(set_scheme(context.get(), scheme));
  std::size_t size = 0;
  if (EVP_PKEY_encrypt(context.get(), nullptr, &size, data.data(), data.size()) != 1) return does_not_fit();
  Bytes out(size);
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, data.data(), data.size()) != 1) {
    return does_not_fit();
  }
  out.resize(size);
  return out;
}

Result<SecretBytes> AsymmetricKey::decrypt(const EncryptionScheme& scheme, ByteView data) const {
  const ErrorScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (!is_private_ || EVP_PKEY_decrypt_init(context.get()) != 1) return no_key("key that decrypts");
  TRY(set_scheme(context.get(), scheme));
  std::size_t size = 0;
  if (EVP_PKEY_decrypt(context.get(), nullptr, &size, data.data(), data.size()) != 1) return does_not_fit();
  auto plain = SecretBytes::zeros(size);
  if (EVP_PKEY_decrypt(context.get(), plain.reveal_mutable().data(), &size, data.data(), data.size()) != 1) {
    return does_not_fit();
  }
  return SecretBytes::copy_of(plain.reveal().first(size));
}

Result<SecretBytes> AsymmetricKey::agree(const AsymmetricKey& other) const {
  const ErrorScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  std::size_t size = 0;
  const bool ready = is_private_ && EVP_PKEY_derive_init(context.get()) == 1 &&
                     EVP_PKEY_derive_set_peer(context.get(), other.state_->key.get()) == 1 &&
                     EVP_PKEY_derive(context.get(), nullptr, &size) == 1;
  if (!ready) return fail(ErrorCode::kUnsupported, "these keys agree on no secret", "key");
  auto secret = SecretBytes::zeros(size);
  if (EVP_PKEY_derive(context.get(), secret.reveal_mutable().data(), &size) != 1) return does_not_fit();
  return SecretBytes::copy_of(secret.reveal().first(size));
}

}  // namespace tapewarden::crypto

#include <array>
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <string>

#include "crypto/hash.h"
#include "crypto/key_state.h"
#include "crypto/keys.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kOaepOverhead = 2 * 32 + 2;  // RFC 8017 section 7.1.1
constexpr int kRsaExponentBits = 64;

std::unexpected<Error> refuse(const char* message) {
  return fail(ErrorCode::kInvalidArgument, message, "key",
              "Use RSA with 2048, 3072 or 4096 bits, or an elliptic curve key on P-256.");
}

Status check_rsa(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits != 2048 && bits != 3072 && bits != 4096) return refuse("The RSA key has a size that is not used.");
  BIGNUM* modulus = nullptr;
  BIGNUM* exponent = nullptr;
  const bool read = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1;
  const BignumPtr own_modulus(modulus);
  const BignumPtr own_exponent(exponent);
  if (!read || BN_is_odd(modulus) == 0 || BN_is_odd(exponent) == 0 || BN_is_one(exponent) == 1 ||
      BN_num_bits(exponent) > kRsaExponentBits)
    return refuse("The RSA key has a modulus or exponent that protects nothing.");
  return {};
}

Status check_ec(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1 ||
      std::string_view(group.data(), length) != SN_X9_62_prime256v1)
    return refuse("The elliptic curve is not P-256.");
  // A curve that is spelled out instead of named is a known way to smuggle in another generator.
  int spelled_out = 0;
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) == 1 &&
      spelled_out != 0)
    return refuse("The elliptic curve is spelled out instead of named.");
  return {};
}

Bytes encode_spki(EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  TW_ASSERT(size > 0);
  auto spki = to_bytes(ByteView(encoded, static_cast<std::size_t>(size)));
  OPENSSL_free(encoded);
  return spki;
}

}  // namespace

EVP_PKEY* KeyAccess::handle(const PublicKey& key) {
  TW_ASSERT(!key.empty());
  return key.state_->key.get();
}

Result<PublicKey> KeyAccess::make_public(PkeyPtr key) {
  const ErrorScope errors;
  auto state = std::make_shared<PublicKey::State>();
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    TRY(check_rsa(key.get()));
    state->kind = KeyKind::kRsa;
  } else if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    TRY(check_ec(key.get()));
    state->kind = KeyKind::kEcP256;
  } else {
    return refuse("The key has an algorithm that is not used.");
  }
  state->bits = static_cast<unsigned>(EVP_PKEY_get_bits(key.get()));
  state->spki = encode_spki(key.get());
  state->spki_hash = sha256(state->spki);
  state->key = std::move(key);
  PublicKey made;
  made.state_ = std::move(state);
  return made;
}

PkeyContextPtr oaep_context(EVP_PKEY* key, ByteView label, OaepInit init) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  TW_ASSERT(context != nullptr);
  char padding[] = OSSL_PKEY_RSA_PAD_MODE_OAEP;
  char digest[] = "SHA256";
  auto label_copy = to_bytes(label);
  const OSSL_PARAM label_parameter =
      label_copy.empty() ? OSSL_PARAM_construct_end()
                         : OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
                                                             label_copy.data(), label_copy.size());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, padding, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest, 0),
      label_parameter,
      OSSL_PARAM_construct_end(),
  };
  TW_ASSERT(init(context.get(), parameters) == 1);
  return context;
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kEncodedLimit) return refuse("The public key is too long.");
  const auto* cursor = der.data();
  PkeyPtr key(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  if (key == nullptr || cursor != der.data() + der.size()) return refuse("The public key does not parse.");
  return KeyAccess::make_public(std::move(key));
}

KeyKind PublicKey::kind() const {
  TW_ASSERT(!empty());
  return state_->kind;
}

unsigned PublicKey::bits() const {
  TW_ASSERT(!empty());
  return state_->bits;
}

Bytes PublicKey::spki() const {
  TW_ASSERT(!empty());
  return state_->spki;
}

Hash256 PublicKey::spki_hash() const {
  TW_ASSERT(!empty());
  return state_->spki_hash;
}

Result<Bytes> PublicKey::wrap(const SecretBytes& secret, ByteView oaep_label) const {
  if (kind() != KeyKind::kRsa) return refuse("Only an RSA key wraps.");
  Bytes wrapped(state_->bits / 8);
  if (secret.size() > wrapped.size() - kOaepOverhead) return refuse("The secret is too long for the key.");
  const ErrorScope errors;
  const auto context = oaep_context(state_->key.get(), oaep_label, EVP_PKEY_encrypt_init_ex);
  const std::uint8_t nothing = 0;
  std::size_t written = wrapped.size();
  TW_ASSERT(EVP_PKEY_encrypt(context.get(), wrapped.data(), &written,
                             secret.empty() ? &nothing : secret.reveal().data(), secret.size()) == 1);
  TW_ASSERT(written == wrapped.size());
  return wrapped;
}

bool PublicKey::verify(ByteView message, ByteView signature) const {
  if (kind() != KeyKind::kEcP256) return false;
  const ErrorScope errors;
  const DigestContextPtr context(EVP_MD_CTX_new());
  TW_ASSERT(context != nullptr);
  TW_ASSERT(EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, state_->key.get(),
                                    nullptr) == 1);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

bool PublicKey::operator==(const PublicKey& other) const {
  if (empty() || other.empty()) return empty() == other.empty();
  return state_->spki == other.state_->spki;
}

}  // namespace tapewarden::crypto

#include <algorithm>
#include <limits>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string_view>

#include "crypto/key_state.h"
#include "crypto/keys.h"
#include "crypto/openssl_handles.h"
#include "crypto/password_work.h"
#include "crypto/secure_memory.h"

namespace tapewarden::crypto {
namespace {

std::unexpected<Error> refuse(const char* message, const char* remedy = "") {
  return fail(ErrorCode::kInvalidArgument, message, "private key", remedy);
}

Bytes rsa_modulus(const EVP_PKEY* key) {
  BIGNUM* modulus = nullptr;
  TW_ASSERT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1);
  const BignumPtr owner(modulus);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(modulus)));
  TW_ASSERT(BN_bn2bin(modulus, out.data()) == static_cast<int>(out.size()));
  return out;
}

PrivateKey must_make(EVP_PKEY* generated) {
  TW_ASSERT(generated != nullptr);
  auto key = KeyAccess::make_private(PkeyPtr(generated));
  TW_ASSERT(key.has_value());
  return *std::move(key);
}

Result<PrivateKey> from_pkcs8_info(Pkcs8Ptr info) {
  if (info == nullptr) return refuse("The private key does not parse.");
  PkeyPtr key(EVP_PKCS82PKEY(info.get()));
  if (key == nullptr) return refuse("The private key does not parse.");
  return KeyAccess::make_private(std::move(key));
}

// A key file that was damaged or put together wrongly is found before anything is sealed with it.
Result<PrivateKey> checked(Result<PrivateKey> key) {
  if (key && !key->fits_together()) return refuse("The halves of the private key do not fit together.");
  return key;
}

// What PEM holds, decoded into the secure heap.
struct PemBlock {
  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() {
    // All three may lie in the secure heap, as PEM_FLAG_SECURE asks; the call takes either kind.
    OPENSSL_secure_free(name);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(data, static_cast<std::size_t>(size));
  }
  bool read(BIO* bio) { return PEM_read_bio_ex(bio, &name, &header, &data, &size, PEM_FLAG_SECURE) == 1; }
  std::string_view kind() const { return name; }

  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
};

bool is_private_key(std::string_view kind) {
  return kind == PEM_STRING_PKCS8INF || kind == PEM_STRING_PKCS8 || kind == PEM_STRING_RSA ||
         kind == PEM_STRING_ECPRIVATEKEY;
}

Result<PrivateKey> decrypt(const PemBlock& block, const SecretBytes* passphrase) {
  if (passphrase == nullptr)
    return refuse("The private key is encrypted.", "Give the passphrase of the key file.");
  const unsigned char* cursor = block.data;
  const SignatureBlobPtr encrypted(d2i_X509_SIG(nullptr, &cursor, block.size));
  if (encrypted == nullptr) return refuse("The private key does not parse.");
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(encrypted.get(), &algorithm, nullptr);
  const long work = password_work(algorithm);
  if (work < 1 || work > kLargestPasswordWork)
    return refuse("The private key file asks for more work than is allowed, or does not say for how much.",
                  "Write it anew with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW");
  const auto phrase = as_text(passphrase->reveal());
  Pkcs8Ptr info(
      PKCS8_decrypt(encrypted.get(), phrase.empty() ? "" : phrase.data(), static_cast<int>(phrase.size())));
  if (info == nullptr)
    return fail(ErrorCode::kWrongKey, "The passphrase does not open the private key.", "passphrase");
  return from_pkcs8_info(std::move(info));
}

Result<PrivateKey> from_block(const PemBlock& block, const SecretBytes* passphrase) {
  if (block.kind() == PEM_STRING_PKCS8) return decrypt(block, passphrase);
  if (block.header != nullptr && *block.header != '\0')
    return refuse("The private key is encrypted in a form of before PKCS#8.",
                  "Convert it with: openssl pkcs8 -topk8 -in OLD -out NEW");
  const unsigned char* cursor = block.data;
  if (block.kind() == PEM_STRING_PKCS8INF)
    return from_pkcs8_info(Pkcs8Ptr(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, block.size)));
  const int type = block.kind() == PEM_STRING_RSA ? EVP_PKEY_RSA : EVP_PKEY_EC;
  PkeyPtr key(d2i_PrivateKey(type, nullptr, &cursor, block.size));
  if (key == nullptr) return refuse("The private key does not parse.");
  return KeyAccess::make_private(std::move(key));
}

// RFC 7468, 64 characters a line, without a buffer outside secure memory on the way.
SecretBytes to_pem(const SecretBytes& der) {
  constexpr std::string_view kHead = "-----BEGIN PRIVATE KEY-----\n";
  constexpr std::string_view kTail = "-----END PRIVATE KEY-----\n";
  constexpr std::size_t kLine = 64;
  auto text = SecretBytes::zeros((der.size() + 2) / 3 * 4 + 1);  // with the NUL that the encoder sets
  const auto length = static_cast<std::size_t>(
      EVP_EncodeBlock(text.reveal_mutable().data(), der.reveal().data(), static_cast<int>(der.size())));
  const std::size_t lines = (length + kLine - 1) / kLine;
  auto pem = SecretBytes::zeros(kHead.size() + length + lines + kTail.size());
  auto out = pem.reveal_mutable();
  const auto append = [&out](ByteView part) {
    copy_bytes(out, part);
    out = out.subspan(part.size());
  };
  append(as_bytes(kHead));
  for (std::size_t at = 0; at < length; at += kLine) {
    append(text.reveal().subspan(at, std::min(kLine, length - at)));
    append(as_bytes("\n"));
  }
  append(as_bytes(kTail));
  return pem;
}

}  // namespace

EVP_PKEY* KeyAccess::handle(const PrivateKey& key) {
  TW_ASSERT(!key.empty());
  return key.state_->key.get();
}

Result<PrivateKey> KeyAccess::make_private(PkeyPtr key) {
  const ErrorScope errors;
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key.get(), &encoded);
  if (size <= 0) return refuse("The private key has no public half.");
  auto public_key = PublicKey::from_spki(ByteView(encoded, static_cast<std::size_t>(size)));
  OPENSSL_free(encoded);
  auto state = std::make_shared<PrivateKey::State>();
  state->public_key = TRY(std::move(public_key));
  if (state->public_key.kind() == KeyKind::kRsa) state->modulus = rsa_modulus(key.get());
  state->key = std::move(key);
  PrivateKey made;
  made.state_ = std::move(state);
  return made;
}

PrivateKey PrivateKey::generate_rsa(unsigned bits) {
  TW_ASSERT(bits == 2048 || bits == 3072 || bits == 4096);
  ensure_secure_heap();
  return must_make(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
}

PrivateKey PrivateKey::generate_p256() {
  ensure_secure_heap();
  return must_make(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}

Result<PrivateKey> PrivateKey::from_pkcs8(const SecretBytes& der) {
  const ErrorScope errors;
  if (der.size() > kEncodedLimit) return refuse("The private key is too long.");
  const auto* cursor = der.reveal().data();
  Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, static_cast<long>(der.size())));
  if (info != nullptr && cursor != der.reveal().data() + der.size())
    return refuse("Bytes follow the private key.");
  return from_pkcs8_info(std::move(info));
}

Result<PrivateKey> PrivateKey::from_pem(const SecretBytes& pem, const SecretBytes* passphrase) {
  const ErrorScope errors;
  ensure_secure_heap();
  if (pem.size() > kEncodedLimit) return refuse("The private key file is too long.");
  const auto bio = reading_bio(pem.reveal());
  while (true) {
    PemBlock block;
    if (!block.read(bio.get())) return refuse("The text holds no private key in PEM.");
    if (is_private_key(block.kind())) return checked(from_block(block, passphrase));
  }
}

KeyKind PrivateKey::kind() const {
  TW_ASSERT(!empty());
  return state_->public_key.kind();
}

SecretBytes PrivateKey::pkcs8() const {
  TW_ASSERT(!empty());
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(state_->key.get()));
  TW_ASSERT(info != nullptr);
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  TW_ASSERT(size > 0);
  auto der = SecretBytes::zeros(static_cast<std::size_t>(size));
  auto* cursor = der.reveal_mutable().data();
  TW_ASSERT(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &cursor) == size);
  return der;
}

SecretBytes PrivateKey::pem() const {
  return to_pem(pkcs8());
}

PublicKey PrivateKey::public_key() const {
  TW_ASSERT(!empty());
  return state_->public_key;
}

bool PrivateKey::fits_together() const {
  const auto probe = SecretBytes::copy_of(as_bytes("one use of both halves"));
  if (kind() == KeyKind::kEcP256) return public_key().verify(probe.reveal(), sign(probe.reveal()));
  const auto wrapped = public_key().wrap(probe);
  if (!wrapped) return false;
  const auto opened = unwrap(*wrapped);
  return opened && *opened == probe;
}

// Whatever is wrong with `wrapped` (its length, its value, its padding, its label), one private-key operation
// runs and one error comes out: neither text nor time tells an attacker how far it came.
Result<SecretBytes> PrivateKey::unwrap(ByteView wrapped, ByteView oaep_label) const {
  const auto refused = [] { return fail(ErrorCode::kCorrupt, "The wrapped key does not open."); };
  if (kind() != KeyKind::kRsa) return refused();
  const ErrorScope errors;
  const auto& modulus = state_->modulus;
  const bool in_range =
      wrapped.size() == modulus.size() && std::ranges::lexicographical_compare(wrapped, modulus);
  Bytes stand_in(modulus.size(), 0x5A);
  stand_in[0] = 0;
  const ByteView input = in_range ? wrapped : stand_in;

  const auto context = oaep_context(state_->key.get(), oaep_label, EVP_PKEY_decrypt_init_ex);
  auto block = SecretBytes::zeros(modulus.size());
  std::size_t size = block.size();
  const bool opened =
      EVP_PKEY_decrypt(context.get(), block.reveal_mutable().data(), &size, input.data(), input.size()) == 1;
  // Copied in either case, for the same work.
  auto secret = SecretBytes::copy_of(block.reveal().first(opened ? std::min(size, block.size()) : 0));
  if (!opened || !in_range) return refused();
  return secret;
}

Bytes PrivateKey::sign(ByteView message) const {
  TW_ASSERT(kind() == KeyKind::kEcP256);
  const DigestContextPtr context(EVP_MD_CTX_new());
  TW_ASSERT(context != nullptr);
  TW_ASSERT(EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, state_->key.get(),
                                  nullptr) == 1);
  Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get())));
  std::size_t size = signature.size();
  TW_ASSERT(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace tapewarden::crypto

#include "crypto/cipher.h"

#include <openssl/core_names.h>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/concat.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

using EvpCipherPtr = OpensslPtr<EVP_CIPHER, EVP_CIPHER_free>;

constexpr std::size_t kMostTag = 16;
constexpr std::size_t kChaChaState = 16;  // counter and nonce, as OpenSSL takes them
constexpr std::size_t kLongestIv = 1024;  // of GCM
constexpr std::size_t kTwoKeyTripleDes = 16;

std::string_view mode_text(CipherMode mode) {
  switch (mode) {
    case CipherMode::kEcb:
      return "ECB";
    case CipherMode::kCbc:
      return "CBC";
    case CipherMode::kCfb:
      return "CFB";
    case CipherMode::kOfb:
      return "OFB";
    case CipherMode::kCtr:
      return "CTR";
    case CipherMode::kGcm:
      return "GCM";
    case CipherMode::kXts:
      return "XTS";
    case CipherMode::kNone:
      break;
  }
  return "";
}

// "AES-256-CBC" and the like; empty: there is none.
std::string cipher_text(const CipherSpec& spec, std::size_t key_bytes) {
  if (spec.name == CipherName::kChaCha20) return key_bytes == 32 ? "ChaCha20" : "";
  if (spec.name == CipherName::kChaCha20Poly1305) return key_bytes == 32 ? "ChaCha20-Poly1305" : "";
  if (spec.mode == CipherMode::kNone) return "";
  if (spec.name == CipherName::kTripleDes) {
    const bool two = key_bytes == kTwoKeyTripleDes;
    return two || key_bytes == 24 ? concat(two ? "DES-EDE-" : "DES-EDE3-", mode_text(spec.mode)) : "";
  }
  const auto bytes = spec.mode == CipherMode::kXts ? key_bytes / 2 : key_bytes;
  if (bytes != 16 && bytes != 24 && bytes != 32) return "";
  return concat(spec.name == CipherName::kAes ? "AES-" : "CAMELLIA-", bytes * 8, "-", mode_text(spec.mode));
}

std::unexpected<Error> no_such(const CipherSpec& spec, std::size_t key_bytes) {
  return fail(ErrorCode::kUnsupported,
              concat("no cipher of that algorithm, mode and a key of ", key_bytes * 8, " bits"),
              std::string(mode_text(spec.mode)));
}

std::unexpected<Error> wrong_iv(std::size_t wanted) {
  return fail(ErrorCode::kInvalidArgument, concat("the IV must have ", wanted, " bytes"), "iv");
}

std::unexpected<Error> corrupt() {
  return fail(ErrorCode::kCorrupt, "the data, its padding or its tag does not fit the key");
}

// RFC 8439's nonce of 12 bytes behind a counter of 4, or the older of 8 behind one of 8.
Result<Bytes> chacha_state(ByteView iv) {
  if (iv.size() == kChaChaState) return to_bytes(iv);
  if (iv.size() != 8 && iv.size() != 12) return wrong_iv(12);
  Bytes out(kChaChaState - iv.size());
  out.insert(out.end(), iv.begin(), iv.end());
  return out;
}

int size_of(std::size_t size) {
  TW_ASSERT(size <= INT32_MAX);
  return static_cast<int>(size);
}

}  // namespace

bool is_authenticated(const CipherSpec& spec) {
  return spec.mode == CipherMode::kGcm || spec.name == CipherName::kChaCha20Poly1305;
}

std::size_t natural_iv_size(const CipherSpec& spec) {
  if (spec.mode == CipherMode::kGcm || spec.name == CipherName::kChaCha20Poly1305 ||
      spec.name == CipherName::kChaCha20) {
    return 12;
  }
  if (spec.mode == CipherMode::kEcb) return 0;
  return spec.name == CipherName::kTripleDes ? 8 : 16;
}

struct Cipher::State {
  CipherContextPtr context;
  bool encrypt = false;
  bool authenticated = false;
};

Cipher::Cipher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cipher::Cipher(Cipher&&) noexcept = default;
Cipher& Cipher::operator=(Cipher&&) noexcept = default;
Cipher::~Cipher() = default;

Result<Cipher> Cipher::start(const CipherSpec& spec, bool encrypt, const SecretBytes& key, ByteView iv,
                             ByteView associated) {
  const ErrorScope errors;
  const auto name = cipher_text(spec, key.size());
  const EvpCipherPtr algorithm(name.empty() ? nullptr : EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
  if (algorithm == nullptr) return no_such(spec, key.size());
  const Bytes start_value = spec.name == CipherName::kChaCha20 ? TRY(chacha_state(iv)) : to_bytes(iv);
  auto state = std::make_unique<State>();
  state->context.reset(EVP_CIPHER_CTX_new());
  state->encrypt = encrypt;
  state->authenticated = is_authenticated(spec);
  auto* context = state->context.get();
  const int direction = encrypt ? 1 : 0;
  TW_ASSERT(EVP_CipherInit_ex2(context, algorithm.get(), nullptr, nullptr, direction, nullptr) == 1);
  if (state->authenticated) {
    if (start_value.empty() || start_value.size() > kLongestIv ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, size_of(start_value.size()), nullptr) != 1) {
      return wrong_iv(natural_iv_size(spec));
    }
  } else if (std::cmp_not_equal(start_value.size(), EVP_CIPHER_get_iv_length(algorithm.get()))) {
    return wrong_iv(static_cast<std::size_t>(EVP_CIPHER_get_iv_length(algorithm.get())));
  }
  const auto view = key.reveal();
  if (EVP_CipherInit_ex2(context, nullptr, view.data(), start_value.data(), direction, nullptr) != 1) {
    return no_such(spec, key.size());  // XTS with two equal keys
  }
  EVP_CIPHER_CTX_set_padding(context, spec.padding ? 1 : 0);
  int written = 0;
  if (state->authenticated && !associated.empty() &&
      EVP_CipherUpdate(context, nullptr, &written, associated.data(), size_of(associated.size())) != 1) {
    return corrupt();
  }
  return Cipher(std::move(state));
}

Cipher Cipher::clone() const {
  auto state = std::make_unique<State>();
  state->context.reset(EVP_CIPHER_CTX_new());
  state->encrypt = state_->encrypt;
  state->authenticated = state_->authenticated;
  TW_ASSERT(EVP_CIPHER_CTX_copy(state->context.get(), state_->context.get()) == 1);
  return Cipher(std::move(state));
}

Result<Bytes> Cipher::update(ByteView data) {
  const ErrorScope errors;
  Bytes out(data.size() + EVP_MAX_BLOCK_LENGTH);
  int written = 0;
  if (data.empty()) return Bytes();
  if (EVP_CipherUpdate(state_->context.get(), out.data(), &written, data.data(), size_of(data.size())) != 1) {
    return corrupt();
  }
  out.resize(static_cast<std::size_t>(written));
  return out;
}

Result<Bytes> Cipher::finish(ByteView tag) {
  const ErrorScope errors;
  if (state_->authenticated && !state_->encrypt) {
    auto copy = to_bytes(tag);
    const bool taken = tag.size() >= 4 && tag.size() <= kMostTag &&
                       EVP_CIPHER_CTX_ctrl(state_->context.get(), EVP_CTRL_AEAD_SET_TAG, size_of(copy.size()),
                                           copy.data()) == 1;
    if (!taken) return corrupt();
  }
  Bytes out(EVP_MAX_BLOCK_LENGTH);
  int written = 0;
  if (EVP_CipherFinal_ex(state_->context.get(), out.data(), &written) != 1) return corrupt();
  out.resize(static_cast<std::size_t>(written));
  return out;
}

Bytes Cipher::tag(std::size_t size) {
  TW_ASSERT(state_->authenticated && state_->encrypt && size >= 4 && size <= kMostTag);
  Bytes out(kMostTag);
  TW_ASSERT(
      EVP_CIPHER_CTX_ctrl(state_->context.get(), EVP_CTRL_AEAD_GET_TAG, size_of(kMostTag), out.data()) == 1);
  out.resize(size);
  return out;
}

namespace {

Result<EvpCipherPtr> wrapping_cipher(const SecretBytes& key, bool padded) {
  const auto bits = key.size() * 8;
  if (bits != 128 && bits != 192 && bits != 256) {
    return fail(ErrorCode::kInvalidArgument, "keys are wrapped with AES keys of 128, 192 or 256 bits", "key");
  }
  EvpCipherPtr out(
      EVP_CIPHER_fetch(nullptr, concat("AES-", bits, padded ? "-WRAP-PAD" : "-WRAP").c_str(), nullptr));
  TW_ASSERT(out != nullptr);
  return out;
}

CipherContextPtr wrapping_context() {
  CipherContextPtr out(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(out.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  return out;
}

}  // namespace

Result<Bytes> wrap_key(const SecretBytes& key, const SecretBytes& secret, bool padded) {
  const ErrorScope errors;
  const auto cipher = TRY(wrapping_cipher(key, padded));
  if (secret.empty() || (!padded && (secret.size() % 8 != 0 || secret.size() < 16))) {
    return fail(ErrorCode::kInvalidArgument,
                "without padding only keys of a multiple of 8 bytes, at least 16, can be wrapped", "secret");
  }
  const auto context = wrapping_context();
  Bytes out(secret.size() + std::size_t{2} * EVP_MAX_BLOCK_LENGTH);
  int written = 0;
  const auto view = secret.reveal();
  const bool done =
      EVP_EncryptInit_ex2(context.get(), cipher.get(), key.reveal().data(), nullptr, nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data(), &written, view.data(), size_of(view.size())) == 1;
  if (!done) return fail(ErrorCode::kInvalidArgument, "the secret cannot be wrapped", "secret");
  out.resize(static_cast<std::size_t>(written));
  return out;
}

Result<SecretBytes> unwrap_key(const SecretBytes& key, ByteView wrapped, bool padded) {
  const ErrorScope errors;
  const auto cipher = TRY(wrapping_cipher(key, padded));
  if (wrapped.size() < 16 || wrapped.size() % 8 != 0) return corrupt();
  const auto context = wrapping_context();
  auto plain = SecretBytes::zeros(wrapped.size() + EVP_MAX_BLOCK_LENGTH);
  int written = 0;
  const bool done =
      EVP_DecryptInit_ex2(context.get(), cipher.get(), key.reveal().data(), nullptr, nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), plain.reveal_mutable().data(), &written, wrapped.data(),
                        size_of(wrapped.size())) == 1;
  if (!done || written <= 0) return corrupt();
  return SecretBytes::copy_of(plain.reveal().first(static_cast<std::size_t>(written)));
}

}  // namespace tapewarden::crypto

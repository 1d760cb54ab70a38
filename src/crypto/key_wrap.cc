#include "crypto/key_wrap.h"

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kSmallest = 16;
constexpr std::size_t kLargest = 4096;

const EVP_CIPHER* aes_256_wrap() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr);
  TW_ASSERT(cipher != nullptr);
  return cipher;
}

CipherContextPtr context_for(const SecretBytes& wrapping, int direction) {
  TW_ASSERT(wrapping.size() == 32);
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  TW_ASSERT(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  TW_ASSERT(EVP_CipherInit_ex2(context.get(), aes_256_wrap(), wrapping.reveal().data(), nullptr, direction,
                               nullptr) == 1);
  return context;
}

}  // namespace

Bytes wrap_key(const SecretBytes& wrapping, const SecretBytes& key) {
  TW_ASSERT(key.size() % 8 == 0 && key.size() >= kSmallest && key.size() <= kLargest);
  const auto context = context_for(wrapping, 1);
  Bytes wrapped(key.size() + kKeyWrapOverhead);
  int written = 0;
  TW_ASSERT(EVP_CipherUpdate(context.get(), wrapped.data(), &written, key.reveal().data(),
                             static_cast<int>(key.size())) == 1 &&
            static_cast<std::size_t>(written) == wrapped.size());
  return wrapped;
}

Result<SecretBytes> unwrap_key(const SecretBytes& wrapping, ByteView wrapped) {
  if (wrapped.size() % 8 != 0 || wrapped.size() < kSmallest + kKeyWrapOverhead ||
      wrapped.size() > kLargest + kKeyWrapOverhead) {
    return fail(ErrorCode::kCorrupt, "A wrapped key has a size that none has.");
  }
  const ErrorScope errors;
  const auto context = context_for(wrapping, 0);
  // OpenSSL may write a block more than the key before it has looked at the integrity value.
  auto opened = SecretBytes::zeros(wrapped.size());
  int written = 0;
  if (EVP_CipherUpdate(context.get(), opened.reveal_mutable().data(), &written, wrapped.data(),
                       static_cast<int>(wrapped.size())) != 1 ||
      static_cast<std::size_t>(written) != wrapped.size() - kKeyWrapOverhead) {
    return fail(ErrorCode::kWrongKey, "A wrapped key does not open with this key.");
  }
  return SecretBytes::copy_of(opened.reveal().first(wrapped.size() - kKeyWrapOverhead));
}

}  // namespace tapewarden::crypto

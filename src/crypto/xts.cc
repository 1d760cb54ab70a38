#include "crypto/xts.h"

#include <array>

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr int kEncrypt = 1;
constexpr int kDecrypt = 0;

const EVP_CIPHER* aes_256_xts() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-XTS", nullptr);
  TW_ASSERT(cipher != nullptr);
  return cipher;
}

CipherContextPtr prepared(const SecretBytes& key, int direction) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  TW_ASSERT(context != nullptr);
  TW_ASSERT(EVP_CipherInit_ex2(context.get(), aes_256_xts(), key.reveal().data(), nullptr, direction,
                               nullptr) == 1);
  return context;
}

// The tweak is the number of the data unit, least significant byte first (IEEE 1619, section 5.1).
void transform(EVP_CIPHER_CTX* context, std::uint64_t unit, MutableByteView data) {
  TW_ASSERT(!data.empty() && data.size() % kXtsBlockBytes == 0 && data.size() <= kXtsUnitLimit);
  std::array<std::uint8_t, kXtsBlockBytes> tweak{};
  for (std::size_t i = 0; i < 8; ++i) tweak[i] = static_cast<std::uint8_t>(unit >> (8 * i));
  TW_ASSERT(EVP_CipherInit_ex2(context, nullptr, nullptr, tweak.data(), -1, nullptr) == 1);
  int written = 0;
  TW_ASSERT(EVP_CipherUpdate(context, data.data(), &written, data.data(), static_cast<int>(data.size())) ==
                1 &&
            static_cast<std::size_t>(written) == data.size());
}

}  // namespace

// The key schedules are made once; each data unit sets only its tweak.
struct AesXts::State {
  CipherContextPtr encrypting;
  CipherContextPtr decrypting;
};

AesXts::AesXts(const SecretBytes& key) : state_(std::make_unique<State>()) {
  TW_ASSERT(key.size() == kXtsKeyBytes);
  TW_ASSERT(!equal_constant_time(key.reveal().first(kXtsKeyBytes / 2), key.reveal().last(kXtsKeyBytes / 2)));
  state_->encrypting = prepared(key, kEncrypt);
  state_->decrypting = prepared(key, kDecrypt);
}
AesXts::~AesXts() = default;
AesXts::AesXts(AesXts&&) noexcept = default;
AesXts& AesXts::operator=(AesXts&&) noexcept = default;

void AesXts::encrypt(std::uint64_t unit, MutableByteView data) {
  transform(state_->encrypting.get(), unit, data);
}

void AesXts::decrypt(std::uint64_t unit, MutableByteView data) {
  transform(state_->decrypting.get(), unit, data);
}

}  // namespace tapewarden::crypto

#include "crypto/aead.h"

#include <algorithm>

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

// OpenSSL counts in int.
constexpr std::size_t kLargestUpdate = 1U << 30;
constexpr int kSeal = 1;
constexpr int kOpen = 0;

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  TW_ASSERT(cipher != nullptr);
  return cipher;
}

void authenticate(EVP_CIPHER_CTX* context, ByteView data) {
  while (!data.empty()) {
    const auto chunk = data.first(std::min(data.size(), kLargestUpdate));
    int written = 0;
    TW_ASSERT(EVP_CipherUpdate(context, nullptr, &written, chunk.data(), static_cast<int>(chunk.size())) ==
              1);
    data = data.subspan(chunk.size());
  }
}

void transform(EVP_CIPHER_CTX* context, ByteView in, MutableByteView out) {
  TW_ASSERT(in.size() == out.size());
  while (!in.empty()) {
    const auto chunk = in.first(std::min(in.size(), kLargestUpdate));
    int written = 0;
    TW_ASSERT(EVP_CipherUpdate(context, out.data(), &written, chunk.data(), static_cast<int>(chunk.size())) ==
                  1 &&
              static_cast<std::size_t>(written) == chunk.size());
    in = in.subspan(chunk.size());
    out = out.subspan(chunk.size());
  }
}

}  // namespace

GcmIv counter_iv(std::uint64_t counter) {
  GcmIv iv{};
  for (std::size_t i = 0; i < 8; ++i) iv[kGcmIvBytes - 1 - i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return iv;
}

// The key schedule is made once; each record sets only its IV.
struct AesGcm::State {
  CipherContextPtr context;

  void begin(const GcmIv& iv, int direction) {
    TW_ASSERT(EVP_CipherInit_ex2(context.get(), nullptr, nullptr, iv.data(), direction, nullptr) == 1);
  }
};

AesGcm::AesGcm(const SecretBytes& key) : state_(std::make_unique<State>()) {
  TW_ASSERT(key.size() == kAesKeyBytes);
  state_->context.reset(EVP_CIPHER_CTX_new());
  TW_ASSERT(state_->context != nullptr);
  TW_ASSERT(EVP_CipherInit_ex2(state_->context.get(), aes_256_gcm(), key.reveal().data(), nullptr, kSeal,
                               nullptr) == 1);
}
AesGcm::~AesGcm() = default;
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;

GcmTag AesGcm::seal(const GcmIv& iv, ByteView associated, ByteView plaintext, MutableByteView ciphertext) {
  auto* context = state_->context.get();
  state_->begin(iv, kSeal);
  authenticate(context, associated);
  transform(context, plaintext, ciphertext);
  GcmTag tag;
  int written = 0;
  TW_ASSERT(EVP_CipherFinal_ex(context, tag.data(), &written) == 1 && written == 0);
  TW_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag.data()) == 1);
  return tag;
}

Status AesGcm::open(const GcmIv& iv, ByteView associated, ByteView ciphertext, const GcmTag& tag,
                    MutableByteView plaintext) {
  const ErrorScope errors;
  auto* context = state_->context.get();
  state_->begin(iv, kOpen);
  authenticate(context, associated);
  transform(context, ciphertext, plaintext);
  auto expected = tag;  // the call takes no pointer to const
  TW_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, expected.data()) == 1);
  std::array<std::uint8_t, kGcmTagBytes> nothing;
  int written = 0;
  if (EVP_CipherFinal_ex(context, nothing.data(), &written) != 1) {
    wipe(plaintext);
    return fail(ErrorCode::kCorrupt, "Sealed bytes are not what was written.");
  }
  return {};
}

Bytes seal_box(const SecretBytes& key, ByteView associated, ByteView secret, Random& random) {
  Bytes box(secret.size() + kBoxOverhead);
  const auto out = MutableByteView(box);
  GcmIv iv;
  random.fill(iv);
  copy_bytes(out, iv);
  const auto tag = AesGcm(key).seal(iv, associated, secret, out.subspan(kGcmIvBytes, secret.size()));
  copy_bytes(out.last(kGcmTagBytes), tag);
  return box;
}

Result<SecretBytes> open_box(const SecretBytes& key, ByteView associated, ByteView box) {
  if (box.size() < kBoxOverhead) return fail(ErrorCode::kCorrupt, "A sealed box is cut short.");
  GcmIv iv;
  copy_bytes(iv, box.first(kGcmIvBytes));
  GcmTag tag;
  copy_bytes(tag, box.last(kGcmTagBytes));
  const auto ciphertext = box.subspan(kGcmIvBytes, box.size() - kBoxOverhead);
  auto secret = SecretBytes::zeros(ciphertext.size());
  TRY(AesGcm(key).open(iv, associated, ciphertext, tag, secret.reveal_mutable()));
  return secret;
}

}  // namespace tapewarden::crypto

#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <vector>

#include "base/thread_annotations.h"
#include "crypto/hmac.h"
#include "crypto/openssl_handles.h"
#include "crypto/secure_memory.h"

namespace tapewarden::crypto {
namespace {

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TW_ASSERT(algorithm != nullptr);
  return algorithm;
}

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  TW_ASSERT(algorithm != nullptr);
  return algorithm;
}

DigestContextPtr new_digest() {
  DigestContextPtr context(EVP_MD_CTX_new());
  TW_ASSERT(context != nullptr);
  TW_ASSERT(EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1);
  return context;
}

void update(EVP_MD_CTX* context, ByteView data) {
  if (!data.empty()) TW_ASSERT(EVP_DigestUpdate(context, data.data(), data.size()) == 1);
}

Hash256 finish(EVP_MD_CTX* context) {
  Hash256 hash;
  unsigned written = 0;
  TW_ASSERT(EVP_DigestFinal_ex(context, hash.data(), &written) == 1 && written == hash.size());
  return hash;
}

}  // namespace

Hash256 sha256(std::initializer_list<ByteView> parts) {
  const auto context = new_digest();
  for (const auto part : parts) update(context.get(), part);
  return finish(context.get());
}

struct Sha256::State {
  DigestContextPtr context = new_digest();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView data) {
  crypto::update(state_->context.get(), data);
}

Hash256 Sha256::finish() {
  const auto hash = crypto::finish(state_->context.get());
  TW_ASSERT(EVP_DigestInit_ex2(state_->context.get(), nullptr, nullptr) == 1);
  return hash;
}

Hmac::Hmac(ByteView key) {
  ensure_secure_heap();  // OpenSSL keeps its copy of the key there
  context_.reset(EVP_MAC_CTX_new(hmac_algorithm()));
  TW_ASSERT(context_ != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  // An empty key is allowed (HKDF without salt) but must not be a null pointer, which means "no new key".
  const std::uint8_t nothing = 0;
  const auto* bytes = key.empty() ? &nothing : key.data();
  TW_ASSERT(EVP_MAC_init(context_.get(), bytes, key.size(), parameters) == 1);
}

void Hmac::mac(std::initializer_list<ByteView> parts, MutableByteView out) {
  TW_ASSERT(out.size() == kSha256Bytes);
  TW_ASSERT(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  for (const auto part : parts)
    if (!part.empty()) TW_ASSERT(EVP_MAC_update(context_.get(), part.data(), part.size()) == 1);
  std::size_t written = 0;
  TW_ASSERT(EVP_MAC_final(context_.get(), out.data(), &written, out.size()) == 1 && written == out.size());
}

// Contexts set up with the key, one for each thread that was inside mac() at the same time: making one costs
// several times the MAC of a row.
struct MacKey::State {
  SecretBytes key;
  Mutex mutex;
  std::vector<Hmac> idle TW_GUARDED_BY(mutex);

  Hmac take() {
    {
      const MutexLock lock(mutex);
      if (!idle.empty()) {
        auto context = std::move(idle.back());
        idle.pop_back();
        return context;
      }
    }
    return Hmac(key.reveal());
  }
  void give_back(Hmac context) {
    const MutexLock lock(mutex);
    idle.push_back(std::move(context));
  }
};

MacKey::MacKey(const SecretBytes& key) : state_(std::make_unique<State>()) {
  state_->key = key.clone();
  state_->give_back(Hmac(key.reveal()));
}
MacKey::~MacKey() = default;
MacKey::MacKey(MacKey&&) noexcept = default;
MacKey& MacKey::operator=(MacKey&&) noexcept = default;

Hash256 MacKey::mac(std::initializer_list<ByteView> parts) const {
  auto context = state_->take();
  Hash256 out;
  context.mac(parts, out);
  state_->give_back(std::move(context));
  return out;
}

}  // namespace tapewarden::crypto

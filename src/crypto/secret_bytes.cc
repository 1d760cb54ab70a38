#include "crypto/secret_bytes.h"

#include <openssl/crypto.h>
#include <utility>

#include "crypto/secure_memory.h"

namespace tapewarden::crypto {

SecretBytes SecretBytes::zeros(std::size_t size) {
  SecretBytes secret;
  if (size == 0) return secret;
  secret.data_ = secure_allocate(size).data();
  secret.size_ = size;
  return secret;
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  auto secret = zeros(bytes.size());
  copy_bytes(secret.reveal_mutable(), bytes);
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  // What was held here is wiped now, not when `other` happens to go.
  if (this != &other) SecretBytes(std::move(other));
  return *this;
}

SecretBytes::~SecretBytes() {
  if (data_ != nullptr) secure_release({data_, size_});
}

SecretBytes SecretBytes::clone() const {
  return copy_of(reveal());
}

bool SecretBytes::operator==(const SecretBytes& other) const {
  return equal_constant_time(reveal(), other.reveal());
}

void wipe(MutableByteView bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace tapewarden::crypto

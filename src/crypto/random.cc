#include "crypto/random.h"

#include <array>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/random.h>

#include "base/assert.h"
#include "crypto/secure_memory.h"

namespace tapewarden::crypto {
namespace {

constexpr unsigned kStrengthBits = 256;
constexpr std::size_t kFreshBytes = 32;

}  // namespace

// Each request stirs fresh bytes of the operating system into OpenSSL's generator. A virtual machine that is
// cloned or rolled back while running would else repeat its generator's state, and with it keys and salts.
void SystemRandom::fill(MutableByteView out) {
  if (out.empty()) return;
  std::array<std::uint8_t, kFreshBytes> fresh;
  TW_ASSERT(getrandom(fresh.data(), fresh.size(), 0) == static_cast<ssize_t>(fresh.size()));
  EVP_RAND_CTX* generator = RAND_get0_private(nullptr);
  TW_ASSERT(generator != nullptr);
  TW_ASSERT(EVP_RAND_generate(generator, out.data(), out.size(), kStrengthBits, 0, fresh.data(),
                              fresh.size()) == 1);
  wipe(fresh);
}

SecretBytes random_secret(Random& random, std::size_t size) {
  auto secret = SecretBytes::zeros(size);
  random.fill(secret.reveal_mutable());
  return secret;
}

}  // namespace tapewarden::crypto

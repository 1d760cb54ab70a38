#include "crypto/kdf.h"

#include <bit>
#include <openssl/evp.h>

#include "base/assert.h"
#include "crypto/digest_names.h"
#include "crypto/hmac.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kHkdfLimit = 255 * kSha256Bytes;  // RFC 5869 section 2.3
// The time that a stored cost may take grows with n * r * p; the memory limit alone bounds only n * r.
constexpr std::uint32_t kScryptParallelLimit = 16;

Status check_cost(const ScryptCost& cost) {
  const auto refuse = [](const char* message, const char* field) {
    return fail(ErrorCode::kInvalidArgument, message, field);
  };
  if (cost.n < 2 || !std::has_single_bit(cost.n)) return refuse("The scrypt cost is no power of two.", "n");
  if (cost.r == 0 || cost.p == 0) return refuse("A scrypt parameter is zero.", cost.r == 0 ? "r" : "p");
  if (cost.p > kScryptParallelLimit) return refuse("The scrypt cost is beyond what is run.", "p");
  // Divisions, since the products of hostile values overflow.
  if (cost.r > kScryptMemoryLimit / 128 || cost.n > kScryptMemoryLimit / 128 / cost.r)
    return refuse("The scrypt cost needs more memory than is allowed.", "n");
  return {};
}

}  // namespace

// RFC 5869 written out over HMAC: the derived key is then written straight into secure memory, and `info` may
// have any length.
SecretBytes hkdf_sha256(const SecretBytes& key, ByteView salt, ByteView info, std::size_t size) {
  TW_ASSERT(size <= kHkdfLimit);
  auto extracted = SecretBytes::zeros(kSha256Bytes);
  Hmac(salt).mac({key.reveal()}, extracted.reveal_mutable());

  const std::size_t blocks = (size + kSha256Bytes - 1) / kSha256Bytes;
  auto stream = SecretBytes::zeros(blocks * kSha256Bytes);
  Hmac expand(extracted.reveal());
  ByteView previous;
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto counter = static_cast<std::uint8_t>(i + 1);
    const auto block = stream.reveal_mutable().subspan(i * kSha256Bytes, kSha256Bytes);
    expand.mac({previous, info, ByteView(&counter, 1)}, block);
    previous = block;
  }
  if (stream.size() == size) return stream;
  return SecretBytes::copy_of(stream.reveal().first(size));
}

Result<SecretBytes> scrypt(const SecretBytes& passphrase, ByteView salt, ScryptCost cost, std::size_t size) {
  TRY(check_cost(cost));
  TW_ASSERT(size > 0);
  const ErrorScope errors;
  auto out = SecretBytes::zeros(size);
  const auto phrase = as_text(passphrase.reveal());
  // OpenSSL counts its blocks for p and a scratch block too; the parameters were judged above.
  const std::uint64_t working = 128ULL * cost.r * (cost.n + cost.p + 4);
  if (EVP_PBE_scrypt(phrase.empty() ? "" : phrase.data(), phrase.size(), salt.data(), salt.size(), cost.n,
                     cost.r, cost.p, working, out.reveal_mutable().data(), out.size()) != 1)
    return fail(ErrorCode::kInvalidArgument, "The scrypt cost was refused.", "n");
  return out;
}

Result<SecretBytes> pbkdf2(DigestName hmac, const SecretBytes& password, ByteView salt, unsigned iterations,
                           std::size_t size) {
  const ErrorScope errors;
  const OpensslPtr<EVP_MD, EVP_MD_free> algorithm(EVP_MD_fetch(nullptr, openssl_name(hmac), nullptr));
  if (algorithm == nullptr) {
    return fail(ErrorCode::kUnsupported, "this machine's OpenSSL has not that hash", "algorithm");
  }
  auto out = SecretBytes::zeros(size);
  const auto text = as_text(password.reveal());
  TW_ASSERT(PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt.data(),
                              static_cast<int>(salt.size()), static_cast<int>(iterations), algorithm.get(),
                              static_cast<int>(size), out.reveal_mutable().data()) == 1);
  return out;
}

}  // namespace tapewarden::crypto

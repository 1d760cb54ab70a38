#include "crypto/java_key_protector.h"

#include <algorithm>

#include "crypto/old_algorithms.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kMd5Bytes = 16;
constexpr std::size_t kTripleDesKeyBytes = 24;
constexpr std::size_t kDesBlockBytes = 8;
constexpr std::size_t kLargestProtected = 1U << 20;
constexpr std::size_t kLargestPassword = 256;
constexpr std::string_view kDigestPhrase = "Mighty Aphrodite";
// 1.3.6.1.4.1.42.2.19.1, the content of its DER.
constexpr std::array<std::uint8_t, 9> kProtectorOid = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01};

constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kObjectIdentifier = 0x06;

std::unexpected<Error> bad_der() {
  return fail(ErrorCode::kInvalidArgument, "the parameters of a protected key do not parse");
}

// One DER element of that tag with a length of up to three bytes.
Result<ByteView> element(ByteReader& in, std::uint8_t tag) {
  if (TRY(in.u8("DER tag")) != tag) return bad_der();
  std::size_t length = TRY(in.u8("DER length"));
  if (length == 0x81) {
    length = TRY(in.u8("DER length"));
  } else if (length == 0x82) {
    length = TRY(in.u16("DER length"));
  } else if (length == 0x83) {
    length = TRY(in.u24("DER length"));
  } else if (length > 0x7F) {
    return bad_der();
  }
  return in.bytes(length, "DER content");
}

Result<std::uint32_t> positive(ByteView content) {
  if (content.empty() || content.size() > 4 || (content.front() & 0x80) != 0) return bad_der();
  std::uint32_t value = 0;
  for (const std::uint8_t byte : content) value = value << 8 | byte;
  return value;
}

EVP_MD* md5() {
  static EVP_MD* const algorithm = EVP_MD_fetch(library_with_old_algorithms(), "MD5", nullptr);
  TW_ASSERT(algorithm != nullptr);
  return algorithm;
}

EVP_MD* sha1() {
  static EVP_MD* const algorithm = EVP_MD_fetch(library_with_old_algorithms(), "SHA1", nullptr);
  TW_ASSERT(algorithm != nullptr);
  return algorithm;
}

EVP_CIPHER* triple_des() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(library_with_old_algorithms(), "DES-EDE3-CBC", nullptr);
  TW_ASSERT(cipher != nullptr);
  return cipher;
}

// The two halves of the salt lead to the two halves of the key. Where both are alike, SunJCE changes the
// first: it means to turn it round, and for a slip in its source (an index 1 where i is meant) makes
// [a, b, c, d] into [d, a, b, d]. Files written so have to be read so.
std::array<std::uint8_t, kJavaSaltBytes> halves_of(std::array<std::uint8_t, kJavaSaltBytes> salt) {
  if (std::equal(salt.begin(), salt.begin() + 4, salt.begin() + 4)) {
    salt[2] = salt[1];
    salt[1] = salt[0];
    salt[0] = salt[3];
  }
  return salt;
}

// 24 bytes of key, then 8 of IV.
SecretBytes derive(const SecretBytes& password, const JavaPbeParameters& parameters) {
  const auto salt = halves_of(parameters.salt);
  auto derived = SecretBytes::zeros(2 * kMd5Bytes);
  const DigestContextPtr context(EVP_MD_CTX_new());
  TW_ASSERT(context != nullptr);
  for (std::size_t half = 0; half < 2; ++half) {
    const auto into = derived.reveal_mutable().subspan(half * kMd5Bytes, kMd5Bytes);
    ByteView before = ByteView(salt).subspan(4 * half, 4);
    for (std::uint32_t i = 0; i < parameters.iterations; ++i) {
      unsigned written = 0;
      TW_ASSERT(EVP_DigestInit_ex2(context.get(), i == 0 ? md5() : nullptr, nullptr) == 1 &&
                EVP_DigestUpdate(context.get(), before.data(), before.size()) == 1 &&
                EVP_DigestUpdate(context.get(), password.reveal().data(), password.size()) == 1 &&
                EVP_DigestFinal_ex(context.get(), into.data(), &written) == 1);
      before = into;
    }
  }
  return derived;
}

}  // namespace

Result<JavaPbeParameters> parse_java_pbe_parameters(ByteView der) {
  ByteReader in(der);
  const auto sequence = element(in, kSequence);
  if (!sequence || !in.done()) return bad_der();
  ByteReader fields(*sequence);
  const auto salt = element(fields, kOctetString);
  const auto count = element(fields, kInteger);
  if (!salt || salt->size() != kJavaSaltBytes || !count || !fields.done()) return bad_der();
  JavaPbeParameters out;
  copy_bytes(out.salt, *salt);
  out.iterations = TRY(positive(*count));
  if (out.iterations != 0 && out.iterations <= kMaximumJavaIterations) return out;
  return fail(ErrorCode::kInvalidArgument, "a protected key asks for more work than is allowed");
}

Result<JavaProtectedKey> parse_java_protected_key(ByteView der) {
  ByteReader in(der);
  const auto whole = element(in, kSequence);
  if (!whole || !in.done()) return bad_der();
  ByteReader fields(*whole);
  const auto algorithm = element(fields, kSequence);
  const auto encrypted = element(fields, kOctetString);
  if (!algorithm || !encrypted || !fields.done()) return bad_der();
  ByteReader inside(*algorithm);
  const auto oid = element(inside, kObjectIdentifier);
  if (!oid) return bad_der();
  if (!equal(*oid, kProtectorOid)) {
    return fail(ErrorCode::kUnsupported, "the key is protected by another algorithm than JCEKS uses");
  }
  return JavaProtectedKey{TRY(parse_java_pbe_parameters(inside.rest())), *encrypted};
}

Status check_java_password(const SecretBytes& password) {
  const auto bytes = password.reveal();
  const bool printable = std::ranges::all_of(bytes, [](std::uint8_t b) { return b >= 0x20 && b <= 0x7E; });
  if (!bytes.empty() && bytes.size() <= kLargestPassword && printable) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the password of a Java keystore has 1 to 256 printable ASCII characters", "password",
              "give the one that config.keystore.password of the old server stood for");
}

Result<SecretBytes> open_java_protected(const SecretBytes& password, const JavaPbeParameters& parameters,
                                        ByteView encrypted) {
  if (encrypted.empty() || encrypted.size() > kLargestProtected || encrypted.size() % kDesBlockBytes != 0)
    return fail(ErrorCode::kInvalidArgument, "a protected key has a length that none has");
  const ErrorScope errors;
  const auto derived = derive(password, parameters);
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  TW_ASSERT(context != nullptr);
  const auto* key = derived.reveal().data();
  const auto* iv = derived.reveal().subspan(kTripleDesKeyBytes).data();
  TW_ASSERT(EVP_DecryptInit_ex2(context.get(), triple_des(), key, iv, nullptr) == 1);
  auto opened = SecretBytes::zeros(encrypted.size() + kDesBlockBytes);
  int written = 0;
  int last = 0;
  TW_ASSERT(EVP_DecryptUpdate(context.get(), opened.reveal_mutable().data(), &written, encrypted.data(),
                              static_cast<int>(encrypted.size())) == 1);
  const auto tail = opened.reveal_mutable().subspan(static_cast<std::size_t>(written));
  if (EVP_DecryptFinal_ex(context.get(), tail.data(), &last) != 1)
    return fail(ErrorCode::kWrongKey, "the password does not open the key", "password");
  return SecretBytes::copy_of(
      opened.reveal().first(static_cast<std::size_t>(written) + static_cast<std::size_t>(last)));
}

std::array<std::uint8_t, kJavaDigestBytes> java_keystore_digest(const SecretBytes& password,
                                                                ByteView content) {
  auto wide = SecretBytes::zeros(2 * password.size());
  for (std::size_t i = 0; i < password.size(); ++i) wide.reveal_mutable()[2 * i + 1] = password.reveal()[i];
  const DigestContextPtr context(EVP_MD_CTX_new());
  TW_ASSERT(context != nullptr && EVP_DigestInit_ex2(context.get(), sha1(), nullptr) == 1);
  for (const ByteView part : {wide.reveal(), as_bytes(kDigestPhrase), content}) {
    if (!part.empty()) TW_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  std::array<std::uint8_t, kJavaDigestBytes> digest{};
  unsigned written = 0;
  TW_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &written) == 1 && written == digest.size());
  return digest;
}

}  // namespace tapewarden::crypto

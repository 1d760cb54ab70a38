// What Java's JCEKS keystores guard keys with: PBEWithMD5AndTripleDES of the provider SunJCE, and a SHA-1
// digest over password and content. Both are weak and only read here, to take keys out of old keystores: the
// password of a keystore deserves no further trust once its keys are elsewhere. Pure, thread-safe.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kJavaSaltBytes = 8;
inline constexpr std::size_t kJavaDigestBytes = 20;
// What Java itself accepts (20 before 2017, 200,000 since then by default).
inline constexpr std::uint32_t kMaximumJavaIterations = 5'000'000;

struct JavaPbeParameters {
  std::array<std::uint8_t, kJavaSaltBytes> salt{};
  std::uint32_t iterations = 0;
};

// From DER: SEQUENCE { salt OCTET STRING (8 bytes), iterationCount INTEGER }. kInvalidArgument when it is
// anything else or the count is 0 or beyond kMaximumJavaIterations.
Result<JavaPbeParameters> parse_java_pbe_parameters(ByteView der);

// An EncryptedPrivateKeyInfo (RFC 5208) as JCEKS holds private keys: algorithm 1.3.6.1.4.1.42.2.19.1.
struct JavaProtectedKey {
  JavaPbeParameters parameters;
  ByteView encrypted;  // into the input
};
// kUnsupported for another algorithm; kInvalidArgument when it does not parse.
Result<JavaProtectedKey> parse_java_protected_key(ByteView der);

// kInvalidArgument unless a keystore's password can be this: 1 to 256 printable ASCII characters.
Status check_java_password(const SecretBytes& password);

// Opens what is protected. Costs 2 * iterations MD5. kWrongKey when the password does not fit, as far as the
// padding tells; kInvalidArgument for a length that is no multiple of 8. REQUIRES: check_java_password().
Result<SecretBytes> open_java_protected(const SecretBytes& password, const JavaPbeParameters& parameters,
                                        ByteView encrypted);

// The digest at the end of a keystore: SHA-1 of the password in UTF-16BE, "Mighty Aphrodite", the content.
std::array<std::uint8_t, kJavaDigestBytes> java_keystore_digest(const SecretBytes& password,
                                                                ByteView content);

}  // namespace tapewarden::crypto

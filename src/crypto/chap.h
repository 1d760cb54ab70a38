// The digests of CHAP (RFC 1994 section 4.1; numbers from IANA's registry of PPP authentication algorithms).
// MD5 and SHA-1 are here because initiators offer nothing else; no other part of the program uses them. Pure,
// thread-safe.
#pragma once

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

enum class ChapDigest : std::uint8_t { kMd5 = 5, kSha1 = 6, kSha256 = 7, kSha3 = 8 };

std::size_t chap_response_bytes(ChapDigest digest);
// Digest of identifier, secret and challenge. kUnsupported when OpenSSL does not offer the digest (MD5 in a
// FIPS installation).
Result<Bytes> chap_response(ChapDigest digest, std::uint8_t identifier, const SecretBytes& secret,
                            ByteView challenge);

}  // namespace tapewarden::crypto

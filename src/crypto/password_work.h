// How much work it is to try a passphrase on something that was sealed with one (PKCS#5: RFC 8018; scrypt:
// RFC 7914). Whoever made the file chose it. Internal to crypto/. Pure; thread-safe.
#pragma once

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

// Of one file: about a minute of one processor.
inline constexpr long kLargestPasswordWork = 50'000'000;

// In hashes of the passphrase: the iterations of PBKDF2 and of the ways before it; for scrypt cost times
// block size times parallelization, whose unit takes about as long. Not positive when the algorithm does not
// tell it where it should, or tells an absurd number.
long password_work(const X509_ALGOR* algorithm);

}  // namespace tapewarden::crypto

// OpenSSL's library context in which algorithms of old files are known too, apart from the program's own,
// which stays without them. Internal to crypto/. Thread-safe.
#pragma once

#include <openssl/crypto.h>

namespace tapewarden::crypto {

// Made once and kept: OpenSSL's providers do not bear being unloaded at exit. What the package of old
// algorithms brings (RC2, MD4 …) is missing where that package is.
OSSL_LIB_CTX* library_with_old_algorithms();

}  // namespace tapewarden::crypto

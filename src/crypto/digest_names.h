// What OpenSSL calls the hash functions. Internal to crypto/. Constants.
#pragma once

#include "crypto/digest.h"

namespace tapewarden::crypto {

const char* openssl_name(DigestName name);

}  // namespace tapewarden::crypto

// AES-256 key wrap (RFC 3394) with the default initial value: wraps whole keys, without any IV to remember.
// What `openssl enc -id-aes256-wrap -iv A6A6A6A6A6A6A6A6` opens. Pure, thread-safe.
#pragma once

#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kKeyWrapOverhead = 8;

// REQUIRES: wrapping.size() == 32; key.size() a multiple of 8, from 16 to 4096 bytes.
Bytes wrap_key(const SecretBytes& wrapping, const SecretBytes& key);
// kWrongKey when it was wrapped with another key or changed; kCorrupt for a size that no wrap has.
Result<SecretBytes> unwrap_key(const SecretBytes& wrapping, ByteView wrapped);

}  // namespace tapewarden::crypto

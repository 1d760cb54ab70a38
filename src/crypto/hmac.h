// HMAC-SHA-256 with a key that is set up once, writing its result where the caller wants it (secure memory
// for a derived key). Internal to crypto/. Not thread-safe.
#pragma once

#include <initializer_list>

#include "base/bytes.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

inline constexpr std::size_t kSha256Bytes = 32;

class Hmac {
 public:
  explicit Hmac(ByteView key);
  // REQUIRES: out.size() == kSha256Bytes.
  void mac(std::initializer_list<ByteView> parts, MutableByteView out);

 private:
  MacContextPtr context_;
};

}  // namespace tapewarden::crypto

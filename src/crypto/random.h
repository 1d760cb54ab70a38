// The operating system's generator through OpenSSL's DRBG. Thread-safe. Aborts the program when it fails: no
// key is ever made from a generator that does not work.
#pragma once

#include "base/env.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::crypto {

class SystemRandom final : public Random {
 public:
  void fill(MutableByteView out) override;
};

// A fresh secret of `size` bytes drawn straight into secure memory.
SecretBytes random_secret(Random& random, std::size_t size);

}  // namespace tapewarden::crypto

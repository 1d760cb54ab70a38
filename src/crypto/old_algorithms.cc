#include "crypto/old_algorithms.h"

#include <openssl/provider.h>

#include "base/assert.h"

namespace tapewarden::crypto {

OSSL_LIB_CTX* library_with_old_algorithms() {
  static OSSL_LIB_CTX* const library = [] {
    auto* made = OSSL_LIB_CTX_new();
    TW_ASSERT(made != nullptr);
    TW_ASSERT(OSSL_PROVIDER_load(made, "default") != nullptr);
    static_cast<void>(OSSL_PROVIDER_load(made, "legacy"));  // a package of its own on some systems
    return made;
  }();
  return library;
}

}  // namespace tapewarden::crypto

#include "crypto/openssl_handles.h"

#include <openssl/err.h>

namespace tapewarden::crypto {

ErrorScope::ErrorScope() {
  ERR_set_mark();
}

ErrorScope::~ErrorScope() {
  ERR_pop_to_mark();
}

BioPtr reading_bio(ByteView view) {
  TW_ASSERT(view.size() <= kEncodedLimit);
  BioPtr bio(BIO_new_mem_buf(view.empty() ? "" : as_text(view).data(), static_cast<int>(view.size())));
  TW_ASSERT(bio != nullptr);
  return bio;
}

}  // namespace tapewarden::crypto

// What an AsymmetricKey holds. Internal to crypto/.
#pragma once

#include "crypto/asymmetric_key.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

struct AsymmetricKey::State {
  PkeyPtr key;
};

}  // namespace tapewarden::crypto

// What a client shows a KMIP server in a message besides its certificate.
#pragma once

#include <string>

#include "crypto/secret_bytes.h"

namespace tapewarden::kmip {

struct Credential {
  std::string user;  // empty: nothing is shown
  crypto::SecretBytes password;
};

}  // namespace tapewarden::kmip

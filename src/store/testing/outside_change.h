// What a keystore's file may suffer while the server has it open, for tests of what is found then.
#pragma once

#include <string>

#include "base/error.h"

namespace tapewarden::store::testing {

// Runs SQL on the keystore's file, past the keystore.
Status change_outside(const std::string& path, const std::string& sql);

}  // namespace tapewarden::store::testing

// What an operator must be told about sharing without asking: certificates that end soon, imports that were
// cut off. Stateless; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr::sharing {

Result<std::vector<std::string>> warnings(KeyManager& manager);

}  // namespace tapewarden::keymgr::sharing

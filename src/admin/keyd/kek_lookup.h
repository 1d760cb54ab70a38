// A KEK as an operator names it. Pure but for reading.
#pragma once

#include <string_view>

#include "admin/http/route.h"
#include "keymgr/key_manager.h"

namespace tapewarden::admin {

// The id behind 64 hex digits ("sha256:" allowed in front) or behind a label. kNotFound; kConflict when the
// label names several KEKs.
Result<Hash256> find_kek_id(keymgr::KeyManager& manager, std::string_view text);

// The KEK that the field "kek" names, as a second person is to see it and consents to.
Result<Matter> matter_of_kek(keymgr::KeyManager& manager, const Request& request);

}  // namespace tapewarden::admin

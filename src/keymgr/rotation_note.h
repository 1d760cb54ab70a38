// The audit records of a rotation of the master key (K16): one in the commit that begins it, one in the
// commit that ends it.
#pragma once

#include "keymgr/server_context.h"
#include "store/key_rotation.h"

namespace tapewarden::keymgr {

// The context outlives it. Thread-safe.
store::KeyRotation::Note rotation_note(const ServerContext& context);

}  // namespace tapewarden::keymgr

// What a client may do here besides owning its objects (K27): access rules and quotas of the key group that
// an object's data key is in today. An object with a secret of its own is in no group: rules and quotas for
// any object, and access.default, hold for it. To look for objects, and at what is no key, needs no right.
//
//   write   makes objects (Create, Re-key, Register, Import, Derive Key), changes and destroys them, protects
//           with them (Encrypt, Sign, MAC)
//   read    takes keys out (Get, Export), undoes (Decrypt, Signature Verify, MAC Verify), wraps with them
//
// A key that was made here and given to nobody yet is taken out with either right, and then no read is
// counted: it belongs to the write that made it. Refusals.
#pragma once

#include <string_view>

#include "keymgr/key_state.h"
#include "kmip/server/operation.h"

namespace tapewarden::kmip {

Status check_right(const OperationContext& context, const keymgr::ManagedObject& object, keymgr::Right right);
// For what is to be made: of no group where `group` is empty.
Status check_may_make(const OperationContext& context, std::string_view group);
// Likewise, and counts it with the client's quotas. REQUIRES: a transaction.
Status begin_write(const OperationContext& context, std::string_view group);
// Before a key leaves: rights, and quotas. kNeedsTransaction where there is none to count it in.
Status begin_read(const OperationContext& context, const keymgr::ManagedObject& object);

}  // namespace tapewarden::kmip

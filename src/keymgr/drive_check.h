// Who asks, and may he be served at all (K11): the drive is known and accepted, it is the one that was
// pinned, or a proxy speaks for it that may, and the key that the SEDK shall be wrapped to is the pinned one.
// Values; thread-safe.
#pragma once

#include "keymgr/access_rules.h"
#include "keymgr/drive_table.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_request.h"

namespace tapewarden::keymgr {

struct CheckedDrive {
  Drive drive;
  AccessSubject subject;
  bool by_proxy = false;  // the proxy's word stands for the drive's identity
};

// EF01: not in the table, pending or rejected. EE2B: another identity or wrapping key than the pinned one, or
// nothing is pinned. EE30: the proxy may not speak for the drive.
Result<CheckedDrive> check_drive(store::Reader& reader, const KeyManager& manager, const Caller& caller);
// EE2B when `hash` is not the hash of the pinned wrapping key.
Status check_wrapping_pin(const Drive& drive, const Hash256& hash);
// What is left to check within the transaction: that nothing of it changed since. kConflict when it did.
Status recheck_drive(store::Reader& reader, const KeyManager& manager, const CheckedDrive& checked);

}  // namespace tapewarden::keymgr

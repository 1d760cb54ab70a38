// Reads a keystore's snapshot out of its database: see Keystore::snapshot(). Belongs to the thread of its
// connection.
#pragma once

#include "store/session.h"
#include "store/snapshot.h"

namespace tapewarden::store {

// REQUIRES: a read transaction is open.
Status read_snapshot(RowAccess& access, std::uint64_t after, ChangeSealer& sealer, SnapshotSink& sink);
// Whether a row of a table with BackupRole::kContent was written by a commit after `after`.
Result<bool> content_changed(RowAccess& access, std::uint64_t after);

}  // namespace tapewarden::store

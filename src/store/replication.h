// Rows on their way to and from the peer: see Keystore::export_changes() and apply_changes(). Belong to the
// thread of their session.
#pragma once

#include <vector>

#include "store/session.h"

namespace tapewarden::store {

// REQUIRES: a read transaction is open; `last` is the last commit of it that may be told.
Result<ExportedChanges> export_rows(RowAccess& access, const Uuid& server, const ExportRequest& request,
                                    std::uint64_t last, ChangeSealer& sealer);

Result<ApplyReport> apply_rows(WriteSession& session, std::span<const RowChange> changes,
                               const ChangeSource& source, ChangeSealer& sealer);

}  // namespace tapewarden::store

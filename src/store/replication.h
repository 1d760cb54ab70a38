// Rows on their way to and from the peer: see Keystore::export_changes() and apply_changes(). Belong to the
// thread of their session.
#pragma once

#include <vector>

#include "store/session.h"

namespace tapewarden::store {

// REQUIRES: a read transaction is open; `last` is the commit that it sees.
Result<std::vector<RowChange>> export_rows(RowAccess& access, const Uuid& server, std::uint64_t after,
                                           std::uint64_t last, std::size_t limit, ChangeSealer& sealer,
                                           std::uint64_t& through);

Result<std::vector<RowChange>> apply_rows(WriteSession& session, std::span<const RowChange> changes,
                                          ChangeSealer& sealer);

}  // namespace tapewarden::store

// The whole check of a database within one snapshot: SQLite's own, every row's MAC, the sums, and, where a
// sum does not fit, the commit log replayed to name the row. Belongs to the thread of its connection.
#pragma once

#include <vector>

#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

inline constexpr std::size_t kFaultLimit = 100;  // more are not listed

// REQUIRES: a read transaction is open. The faults, empty when all is well; an error only when the check
// could not be made.
Result<std::vector<Fault>> verify_database(RowAccess& access, CommitLog& log);

// The rows that the log's last `commits` commits left behind are looked up: what a write-ahead log that does
// not belong to its database would break. Cheap, for a database that is too large for the whole check.
Result<std::vector<Fault>> verify_latest(RowAccess& access, CommitLog& log, std::uint64_t commits);

// One sentence naming the first faults.
std::string describe(const std::vector<Fault>& faults);

}  // namespace tapewarden::store

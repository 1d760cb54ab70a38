// The whole check of a database within one snapshot: SQLite's own, every row's MAC, the sums, and, where a
// sum does not fit, the commit log replayed to name the row. Belongs to the thread of its connection.
#pragma once

#include <vector>

#include "store/head_keys.h"
#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

// How far verify_latest() looks back: a write-ahead log holds fewer commits between two checkpoints.
inline constexpr std::uint64_t kLatestCommits = 1000;
inline constexpr std::size_t kLatestRows = 20'000;

// REQUIRES: a read transaction is open. The faults, empty when all is well; an error only when the check
// could not be made.
Result<std::vector<Fault>> verify_database(RowAccess& access, CommitLog& log);

// The rows that the log's last commits left behind are looked up: what a write-ahead log that lost commits or
// does not belong to its database would break. Takes well below a second, for a database that is too large
// for the whole check. REQUIRES: the log ends with the database's last commit.
Result<std::vector<Fault>> verify_latest(RowAccess& access, CommitLog& log);

// Recomputes each commit's head from what the log holds, up to commit `last`: see Keystore::verify_log().
Result<std::vector<Fault>> verify_log(const HeadKeys& heads, CommitLog& log, std::uint64_t last);

// One sentence naming the first faults.
std::string describe(const std::vector<Fault>& faults);

}  // namespace tapewarden::store

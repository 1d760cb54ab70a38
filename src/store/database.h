// The database file below a keystore: opening connections to it, making it, and bringing its tables to what
// the program's TableSpecs say. Functions belong to the thread of their connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/layout.h"
#include "store/state.h"

namespace tapewarden::store {

// The one writing connection: WAL, synced at each commit, freed pages overwritten. The file must exist; it
// may be empty.
Result<std::unique_ptr<sqlite::Connection>> open_writer(const std::string& path);
Result<std::unique_ptr<sqlite::Connection>> open_reader(const std::string& path);

// True when the file holds no tables yet: a new file, or one whose making was cut off.
Result<bool> is_blank(sqlite::Connection& connection);

// Makes tables, notes, and a state at commit 1 that still is to be logged.
Status create_database(sqlite::Connection& connection, const Vault& vault, const Layouts& layouts,
                       const Meta& meta, const Hash256& log_chain);

// Its two halves without a state, for a keystore that is loaded from a backup.
Status make_tables(sqlite::Connection& connection, const Vault& vault, const Layouts& layouts,
                   const Meta& meta);
Status make_indexes(sqlite::Connection& connection, const Layouts& layouts);

// Checks that every table and index is what this program or an older one made. Returns the statements that
// bring an older database to the present TableSpecs; empty when there is nothing to do. kCorrupt naming the
// table; kUnsupported for tables that only a newer program knows.
struct Migration {
  std::vector<std::string> statements;
  std::vector<const Layout*> tables;  // whose notes change
};
Result<Migration> plan_migration(sqlite::Connection& connection, const KeyView& keys, const Layouts& layouts);
// Runs it as one commit, which is written under `vault`. `state` is moved on; the caller logs it.
Status migrate(sqlite::Connection& connection, const KeyView& keys, const Vault& vault,
               const Migration& migration, State& state, const Hash256& log_chain);

// SQLite's own check of pages, B-trees and indexes: what it found, at most ten lines.
Result<std::vector<std::string>> check_integrity(sqlite::Connection& connection);

}  // namespace tapewarden::store

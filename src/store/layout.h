// How a TableSpec lies in SQLite: its statements' texts and its names. Rows lie in the order of their making,
// beside the tree of their keys; hidden columns come first, so that a column added to the end of a TableSpec
// is added at the end of the table. Immutable; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/row_codec.h"
#include "store/schema.h"
#include "store/sqlite/connection.h"

namespace tapewarden::store {

// Positions of the hidden columns in every SELECT of a stored row.
inline constexpr int kHiddenColumns = 6;

struct IndexLayout {
  std::string name;
  std::string sql;  // CREATE [UNIQUE] INDEX as SQLite keeps it
};

struct Layout {
  explicit Layout(const TableSpec& table, std::size_t position);

  TableSpec spec;
  std::size_t position;  // among the keystore's tables
  std::vector<std::size_t> key_columns;
  std::vector<std::size_t> tree_columns;  // the same in the order in which the tree of the keys has them
  std::vector<IndexLayout> indexes;
  std::string name;  // of the table
  std::string create_sql;
  std::vector<std::string> older_sql;  // what stands in its place in keystores of older formats
  std::string select_sql;              // by key
  std::string insert_sql;
  std::string update_sql;  // same parameters as insert_sql
  std::string reseal_sql;  // the MAC and the secret columns alone; parameters as insert_sql
  // As update_sql for a row whose other columns, and whose row_erased and row_columns, stay as they are.
  // SQLite renews every index that a SET names, also for the same value: what a key's use or a counter
  // changes is in no index but that of commits.
  std::string update_some_sql(std::span<const std::size_t> columns) const;
  std::string delete_sql;      // by key; the row leaves nothing behind
  std::string scan_sql;        // all rows, tombstones too
  std::string commit_sql;      // rows of origin ?1 with ?2 < row_commit <= ?3, oldest first, at most ?4
  std::string commit_any_sql;  // as commit_sql for every origin; ?1 is not used

  // "SELECT what FROM live rows" and the caller's where text.
  std::string live_sql(std::string_view what, std::string_view where) const;
  std::string stored_columns() const;
  // "alias text key, sealed blob secret": how the bookkeeping names the columns.
  std::string describe() const;

 private:
  // `keys`: the columns of PRIMARY KEY.
  std::string create_sql_with(std::span<const std::size_t> keys) const;
  std::string by_key_sql() const;
};

// All tables of a keystore.
class Layouts {
 public:
  explicit Layouts(const std::vector<const TableSpec*>& tables);
  // kInternal for a table that the keystore was not opened with.
  Result<const Layout*> find(const TableSpec& table) const;
  const Layout* find(std::string_view name) const;  // nullptr when unknown
  const std::vector<Layout>& all() const { return layouts_; }

 private:
  std::vector<Layout> layouts_;
  std::unordered_map<const TableSpec*, std::size_t> by_address_;
};

// Takes the current row of `statement` (columns as stored_columns()); not yet verified. kCorrupt for a value
// that no keystore writes.
Result<StoredRow> take_row(const Layout& layout, const sqlite::Statement& statement);
// The key of the current row as it stands, unverified; null for a value that no keystore writes.
Row take_key(const Layout& layout, const sqlite::Statement& statement);
// A column of the current row. kCorrupt, naming no table, for a value that no keystore writes.
Result<Value> take_value(const sqlite::Statement& statement, int column);
void bind_value(sqlite::Statement& statement, int parameter, const Value& value);

// kCorrupt naming table and key.
std::unexpected<Error> damaged_row(const Layout& layout, const Row& row, std::string_view what);

}  // namespace tapewarden::store

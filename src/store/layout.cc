#include "store/layout.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::store {

namespace {

constexpr std::string_view kHidden = "row_version, row_origin, row_commit, row_erased, row_columns, row_mac";
constexpr std::string_view kHiddenDefinitions =
    "row_version INTEGER NOT NULL, row_origin BLOB NOT NULL, row_commit INTEGER NOT NULL, "
    "row_erased INTEGER NOT NULL, row_columns INTEGER NOT NULL, row_mac BLOB NOT NULL";
constexpr std::size_t kColumnLimit = 200;

// Up to format 2 a table's rows lay within the tree of its keys: few fit on an inner page, so that the tree
// of a million keys was eight pages deep.
constexpr std::string_view kFormat2 = ", WITHOUT ROWID";

bool is_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= 48 && std::ranges::all_of(text, fits) && !text.starts_with("row_") &&
         !text.starts_with("tw_") && !text.starts_with("sqlite_");
}

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kInteger:
      return "INTEGER";
    case ColumnType::kText:
      return "TEXT";
    case ColumnType::kBlob:
      return "BLOB";
  }
  return "";
}

std::string_view role_name(ColumnRole role) {
  switch (role) {
    case ColumnRole::kKey:
      return "key";
    case ColumnRole::kPlain:
      return "plain";
    case ColumnRole::kSecret:
      return "secret";
    case ColumnRole::kLocal:
      return "local";
  }
  return "";
}

std::string quoted_name(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

// Joins what each(i, column) returns, leaving out empty parts.
template <typename Each>
std::string joined(const TableSpec& spec, std::string_view separator, const Each& each) {
  std::string out;
  for (std::size_t i = 0; i < spec.columns.size(); ++i) {
    const std::string part = each(i, spec.columns[i]);
    if (part.empty()) continue;
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string parameter(std::size_t column) {
  return "?" + std::to_string(column + kHiddenColumns + 1);
}

// The columns of an index and then the key, as far as it is not among them: rows that are the same by the
// index come in the order of their keys, on every server.
std::string with_key(const TableSpec& spec, std::string_view columns) {
  std::vector<std::string> named = split(columns, ',');
  for (std::string& column : named) column = trim(column);
  std::string out(columns);
  for (const Column& column : spec.columns) {
    if (column.role == ColumnRole::kKey && std::ranges::find(named, column.name) == named.end())
      out += ", " + std::string(column.name);
  }
  return out;
}

// "group_name, position" becomes tw_data_key_index__group_name__position, "alias WHERE alias <> ''"
// tw_data_key_index__alias__where__alias: another text must have another name, or an older database is taken
// for a changed one.
IndexLayout index_layout(const TableSpec& spec, std::string_view text, bool unique) {
  constexpr std::string_view kWhere = " WHERE ";
  const std::size_t where = text.find(kWhere);
  const std::string_view columns = text.substr(0, where);
  const std::string_view condition =
      where == std::string_view::npos ? std::string_view() : text.substr(where + kWhere.size());
  std::string name = "tw_" + std::string(spec.name) + (unique ? "_unique" : "_index");
  for (const std::string& column : split(columns, ',')) {
    name += "__";
    for (const char c : trim(column)) name += c == ' ' ? '_' : c;
  }
  if (!condition.empty()) name += "__where__" + std::string(condition.substr(0, condition.find(' ')));
  std::string sql = unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
  sql += quoted_name(name) + " ON " + quoted_name(spec.name) + "(" +
         (unique ? std::string(columns) : with_key(spec, columns)) + ") WHERE row_erased = 0";
  if (!condition.empty()) sql += " AND " + std::string(condition);
  return {std::move(name), std::move(sql)};
}

void check_spec(const TableSpec& spec) {
  TW_ASSERT(is_name(spec.name));
  TW_ASSERT(!spec.columns.empty() && spec.columns.size() <= kColumnLimit);
  for (const Column& column : spec.columns) {
    TW_ASSERT(is_name(column.name));
    TW_ASSERT(column.role != ColumnRole::kSecret || column.type == ColumnType::kBlob);
  }
  if (spec.key_order.empty()) return;
  TW_ASSERT(!spec.replicated);  // row_print.cc goes through the keys as `columns` has them
  const auto is_key = [&](std::string_view name) {
    const auto found = std::ranges::find(spec.columns, name, &Column::name);
    return found != spec.columns.end() && found->role == ColumnRole::kKey;
  };
  TW_ASSERT(std::ranges::all_of(spec.key_order, is_key));
  TW_ASSERT(std::cmp_equal(spec.key_order.size(),
                           std::ranges::count(spec.columns, ColumnRole::kKey, &Column::role)));
}

}  // namespace

Layout::Layout(const TableSpec& table, std::size_t at) : spec(table), position(at), name(table.name) {
  check_spec(spec);
  for (std::size_t i = 0; i < spec.columns.size(); ++i) {
    if (spec.columns[i].role == ColumnRole::kKey) key_columns.push_back(i);
  }
  TW_ASSERT(!key_columns.empty());

  for (const std::string_view key : spec.key_order) {
    const auto found = std::ranges::find(spec.columns, key, &Column::name) - spec.columns.begin();
    tree_columns.push_back(static_cast<std::size_t>(found));
  }
  if (tree_columns.empty()) tree_columns = key_columns;
  create_sql = create_sql_with(tree_columns);
  older_sql.push_back(create_sql_with(key_columns) + std::string(kFormat2));
  if (tree_columns != key_columns) older_sql.push_back(create_sql_with(key_columns));

  for (const std::string_view columns : spec.indexes) {
    indexes.push_back(index_layout(spec, columns, false));
  }
  for (const std::string_view columns : spec.unique_indexes) {
    indexes.push_back(index_layout(spec, columns, true));
  }
  if (spec.replicated) {
    const std::string index = "tw_" + name + "_commit";
    indexes.push_back(
        {index, "CREATE INDEX " + quoted_name(index) + " ON " + quoted_name(name) + "(row_commit)"});
  }

  const std::string by_key = by_key_sql();
  select_sql = "SELECT " + stored_columns() + " FROM " + quoted_name(name) + " WHERE " + by_key;
  insert_sql = "INSERT INTO " + quoted_name(name) + "(" + stored_columns() +
               ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, " +
               joined(spec, ", ", [](std::size_t i, const Column&) { return parameter(i); }) + ")";
  const std::string settings = joined(spec, "", [](std::size_t i, const Column& c) {
    return c.role == ColumnRole::kKey ? std::string() : ", " + quoted_name(c.name) + " = " + parameter(i);
  });
  update_sql = "UPDATE " + quoted_name(name) +
               " SET row_version = ?1, row_origin = ?2, row_commit = ?3, row_erased = ?4, row_columns = ?5, "
               "row_mac = ?6" +
               settings + " WHERE " + by_key;
  reseal_sql = "UPDATE " + quoted_name(name) + " SET row_mac = ?6" +
               joined(spec, "",
                      [](std::size_t i, const Column& c) {
                        return c.role == ColumnRole::kSecret
                                   ? ", " + quoted_name(c.name) + " = " + parameter(i)
                                   : std::string();
                      }) +
               " WHERE " + by_key;
  delete_sql = "DELETE FROM " + quoted_name(name) + " WHERE " + by_key;
  scan_sql = "SELECT " + stored_columns() + " FROM " + quoted_name(name);
  commit_sql = scan_sql +
               " WHERE row_commit > ?2 AND row_commit <= ?3 AND row_origin = ?1 ORDER BY row_commit LIMIT ?4";
  commit_any_sql =
      scan_sql +
      " WHERE row_commit > ?2 AND row_commit <= ?3 AND ?1 IS NOT NULL ORDER BY row_commit LIMIT ?4";
}

std::string Layout::create_sql_with(std::span<const std::size_t> keys) const {
  const std::string columns = joined(spec, ", ", [](std::size_t, const Column& c) {
    const std::string_view suffix = c.role == ColumnRole::kKey ? " NOT NULL" : "";
    return quoted_name(c.name) + " " + std::string(type_name(c.type)) + std::string(suffix);
  });
  std::string key;
  for (const std::size_t i : keys) key += (key.empty() ? "" : ", ") + quoted_name(spec.columns[i].name);
  return "CREATE TABLE " + quoted_name(name) + "(" + std::string(kHiddenDefinitions) + ", " + columns +
         ", PRIMARY KEY(" + key + ")) STRICT";
}

std::string Layout::stored_columns() const {
  return std::string(kHidden) + ", " +
         joined(spec, ", ", [](std::size_t, const Column& c) { return quoted_name(c.name); });
}

std::string Layout::by_key_sql() const {
  return joined(spec, " AND ", [](std::size_t i, const Column& c) {
    return c.role == ColumnRole::kKey ? quoted_name(c.name) + " = " + parameter(i) : std::string();
  });
}

std::string Layout::update_some_sql(std::span<const std::size_t> columns) const {
  std::string sql =
      "UPDATE " + quoted_name(name) + " SET row_version = ?1, row_origin = ?2, row_commit = ?3, row_mac = ?6";
  for (const std::size_t i : columns) sql += ", " + quoted_name(spec.columns[i].name) + " = " + parameter(i);
  return sql + " WHERE " + by_key_sql();
}

std::string Layout::live_sql(std::string_view what, std::string_view where) const {
  std::string sql = "SELECT " + std::string(what) + " FROM (SELECT * FROM " + quoted_name(name) +
                    " WHERE row_erased = 0) AS " + quoted_name(name);
  const std::string_view condition = trim(where);
  if (condition.empty()) return sql;
  const std::string start = to_upper(condition.substr(0, 9));
  if (!start.starts_with("ORDER BY") && !start.starts_with("LIMIT")) sql += " WHERE";
  return sql + " " + std::string(condition);
}

std::string Layout::describe() const {
  return joined(spec, ", ", [](std::size_t, const Column& c) {
    return std::string(c.name) + " " + to_lower(type_name(c.type)) + " " + std::string(role_name(c.role));
  });
}

Layouts::Layouts(const std::vector<const TableSpec*>& tables) {
  for (const TableSpec* table : tables) {
    by_address_[table] = layouts_.size();
    layouts_.emplace_back(*table, layouts_.size());
  }
}

Result<const Layout*> Layouts::find(const TableSpec& table) const {
  const auto found = by_address_.find(&table);
  if (found != by_address_.end()) return &layouts_[found->second];
  const Layout* layout = find(table.name);
  if (layout != nullptr && layout->spec.columns.size() == table.columns.size()) return layout;
  return fail(ErrorCode::kInternal, "the keystore was opened without the table " + std::string(table.name));
}

const Layout* Layouts::find(std::string_view name) const {
  const auto found = std::ranges::find(layouts_, name, &Layout::name);
  return found == layouts_.end() ? nullptr : &*found;
}

Result<Value> take_value(const sqlite::Statement& statement, int column) {
  switch (statement.storage_class(column)) {
    case sqlite::StorageClass::kNull:
      return Value();
    case sqlite::StorageClass::kInteger:
      return Value(statement.integer(column));
    case sqlite::StorageClass::kText:
      return Value(std::string(statement.text(column)));
    case sqlite::StorageClass::kBlob:
      return Value(to_bytes(statement.blob(column)));
    case sqlite::StorageClass::kReal:
      break;
  }
  return fail(ErrorCode::kCorrupt, "a value has a type that no keystore writes");
}

Result<StoredRow> take_row(const Layout& layout, const sqlite::Statement& statement) {
  StoredRow stored;
  stored.row.reserve(layout.spec.columns.size());
  for (std::size_t i = 0; i < layout.spec.columns.size(); ++i) {
    auto value = take_value(statement, static_cast<int>(i) + kHiddenColumns);
    if (!value) return in_context("table " + layout.name, std::move(value.error()));
    stored.row.push_back(std::move(*value));
  }
  stored.head.version = statement.integer(0);
  const ByteView origin = statement.blob(1);
  stored.head.commit = statement.integer(2);
  const std::int64_t erased = statement.integer(3);
  stored.head.columns = statement.integer(4);
  const auto mac = parse_stored_mac(statement.blob(5));
  const auto count = static_cast<std::int64_t>(stored.row.size());
  const bool fits = origin.size() == 16 && mac.has_value() && (erased == 0 || erased == 1) &&
                    stored.head.columns >= 1 && stored.head.columns <= count;
  if (!fits) return damaged_row(layout, stored.row, "changed");
  stored.head.origin = Uuid::from(origin);
  stored.head.erased = erased == 1;
  stored.head.mac = mac->mac;
  stored.head.key = mac->version;
  return stored;
}

Row take_key(const Layout& layout, const sqlite::Statement& statement) {
  Row key;
  for (const std::size_t column : layout.key_columns) {
    key.push_back(take_value(statement, static_cast<int>(column) + kHiddenColumns).value_or(Value()));
  }
  return key;
}

void bind_value(sqlite::Statement& statement, int parameter, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind_integer(parameter, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind_text(parameter, *text);
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    statement.bind_blob(parameter, *bytes);
  } else {
    statement.bind_null(parameter);
  }
}

std::unexpected<Error> damaged_row(const Layout& layout, const Row& row, std::string_view what) {
  const std::string key = printable_key(key_of(layout.spec, row));
  return fail(ErrorCode::kCorrupt,
              "the keystore's row " + layout.name + " " + key + " was " + std::string(what) +
                  " outside of this program",
              layout.name, "restore the keystore from its newest backup");
}

}  // namespace tapewarden::store

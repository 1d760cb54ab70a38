#include "store/database.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/concat.h"
#include "store/change_lines.h"

namespace tapewarden::store {

namespace {

// "TWks" in the file's header, for file(1).
constexpr const char* kApplicationId = "PRAGMA application_id = 0x54576b73";
constexpr const char* kWriterSettings =
    "PRAGMA application_id = 0x54576b73; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; "
    "PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864;";
constexpr const char* kReaderSettings =
    "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; "
    "PRAGMA cache_size = -65536;";

struct Object {
  std::string type;  // table or index
  std::string name;
  std::string table;
  std::string sql;
};

Result<std::vector<Object>> objects_of(sqlite::Connection& connection) {
  std::vector<Object> objects;
  sqlite::Statement statement =
      TRY(connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema"));
  while (TRY(statement.step())) {
    objects.push_back({std::string(statement.text(0)), std::string(statement.text(1)),
                       std::string(statement.text(2)), std::string(statement.text(3))});
  }
  return objects;
}

// A table that has only the first columns of `layout`, as the note describes it.
Layout noted(const Layout& layout, const std::string& note) {
  TableSpec older = layout.spec;
  const auto commas = static_cast<std::size_t>(std::ranges::count(note, ','));
  older.columns.resize(std::min(older.columns.size(), commas + 1));
  return Layout(older, layout.position);
}

std::unexpected<Error> newer(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the keystore was written by a newer program: " + what, "tables",
              "use that program, or restore a backup made before it");
}

// Whether the table stands there as older programs made it.
bool is_older_form(const std::vector<Object>& objects, const Layout& noted) {
  return std::ranges::any_of(objects, [&](const Object& object) {
    return object.type == "table" && object.name == noted.name &&
           std::ranges::find(noted.older_sql, object.sql) != noted.older_sql.end();
  });
}

// Moves the rows, which stay what they are, into a table of the present form. Its indexes go with the old
// one.
void plan_present_form(const Layout& noted, Migration& migration) {
  const std::string name = "\"" + noted.name + "\"";
  const std::string moved = "\"tw_moved_" + noted.name + "\"";
  std::string create = noted.create_sql;
  create.replace(create.find(name), name.size(), moved);
  migration.statements.push_back(std::move(create));
  migration.statements.push_back("INSERT INTO " + moved + " SELECT * FROM " + name);
  migration.statements.push_back("DROP TABLE " + name);
  migration.statements.push_back("ALTER TABLE " + moved + " RENAME TO " + name);
}

// Adds what `layout` needs on top of its note, which check_objects() found to be the beginning of it.
void plan_table(const Layout& layout, const std::string& note, Migration& migration) {
  if (note == layout.describe()) return;
  const auto known = static_cast<std::size_t>(std::ranges::count(note, ',')) + 1;
  for (std::size_t i = known; i < layout.spec.columns.size(); ++i) {
    const Column& column = layout.spec.columns[i];
    TW_ASSERT(column.role != ColumnRole::kKey);
    const char* type = column.type == ColumnType::kInteger ? "INTEGER"
                       : column.type == ColumnType::kText  ? "TEXT"
                                                           : "BLOB";
    migration.statements.push_back("ALTER TABLE \"" + layout.name + "\" ADD COLUMN \"" +
                                   std::string(column.name) + "\" " + type);
  }
  migration.tables.push_back(&layout);
}

// `moved`: the tables that get the present form. They take their indexes along when they go.
Status plan_indexes(const std::vector<Object>& objects, const Layouts& layouts,
                    const std::set<std::string, std::less<>>& moved, Migration& migration) {
  std::map<std::string, std::string, std::less<>> wanted;
  for (const Layout& layout : layouts.all()) {
    for (const IndexLayout& index : layout.indexes) wanted[index.name] = index.sql;
  }
  for (const Object& object : objects) {
    if (object.type != "index" || object.sql.empty() || moved.contains(object.table)) continue;
    const auto found = wanted.find(object.name);
    if (found == wanted.end()) {
      migration.statements.push_back("DROP INDEX \"" + object.name + "\"");
      continue;
    }
    if (found->second != object.sql) return damaged("the keystore's index " + object.name + " was changed");
    wanted.erase(found);
  }
  for (const auto& [name, sql] : wanted) migration.statements.push_back(sql);
  return {};
}

// `forms`: what its CREATE TABLE text may be.
Status check_table(const std::vector<Object>& objects, std::string_view name,
                   const std::vector<std::string>& forms) {
  const auto found = std::ranges::find_if(
      objects, [&](const Object& object) { return object.type == "table" && object.name == name; });
  if (found == objects.end()) return damaged(concat("the keystore's table ", name, " is missing"));
  if (std::ranges::find(forms, found->sql) == forms.end())
    return damaged(concat("the keystore's table ", name, " was changed"));
  return {};
}

Status check_objects(const std::vector<Object>& objects, const SchemaNotes& notes, const Layouts& layouts) {
  TRY(check_table(objects, "tw_meta", {std::string(kMetaSql)}));
  TRY(check_table(objects, "tw_schema", {std::string(kSchemaSql)}));
  TRY(check_table(objects, "tw_state", {std::string(kStateSql)}));
  for (const auto& [name, note] : notes) {
    const Layout* layout = layouts.find(name);
    if (layout == nullptr) return newer("table " + name);
    const std::string now = layout->describe();
    if (note != now && !now.starts_with(note + ", ")) return newer("table " + name + " has columns " + note);
    const Layout made = noted(*layout, note);
    std::vector<std::string> forms = made.older_sql;
    forms.push_back(made.create_sql);
    TRY(check_table(objects, name, forms));
  }
  for (const Object& object : objects) {
    if (object.type == "index" || object.name.starts_with("tw_") || notes.contains(object.name)) continue;
    return damaged("the keystore holds a " + object.type + " that no keystore makes");
  }
  return {};
}

Status run_statements(sqlite::Connection& connection, const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) TRY(connection.execute(sql));
  return {};
}

Status make_everything(sqlite::Connection& connection, const Vault& vault, const Layouts& layouts,
                       const Meta& meta, const Hash256& log_chain) {
  TRY(make_tables(connection, vault, layouts, meta));
  TRY(make_indexes(connection, layouts));
  State state;
  for (const Layout& layout : layouts.all()) state.tables[layout.name] = {};
  state.mark.sequence = 1;
  state.chain_before = log_chain;
  state.records = {schema_line(state, "created", {meta.server.text()})};
  state.seal(vault);
  return write_state(connection, vault, state);
}

Status apply_migration(sqlite::Connection& connection, const KeyView& keys, const Vault& vault,
                       const Migration& migration, State& state, const Hash256& log_chain) {
  TRY(run_statements(connection, migration.statements));
  TRY(rewrite_notes(connection, keys, vault));  // in the present form
  std::vector<std::string> names;
  for (const Layout* layout : migration.tables) {
    TRY(write_schema(connection, vault, layout->name, layout->describe()));
    state.tables.try_emplace(layout->name);
    names.push_back(layout->name);
  }
  state.previous_head = state.mark.head;
  ++state.mark.sequence;
  state.chain_before = log_chain;
  state.records = {schema_line(state, "schema", names)};
  state.seal(vault);
  return write_state(connection, vault, state);
}

// Runs `work` in one transaction.
template <typename Work>
Status in_transaction(sqlite::Connection& connection, const Work& work) {
  TRY(connection.execute("BEGIN IMMEDIATE"));
  Status status = work();
  if (status) status = connection.execute("COMMIT");
  if (!status && connection.in_transaction()) (void)connection.execute("ROLLBACK");
  return status;
}

}  // namespace

Result<std::unique_ptr<sqlite::Connection>> open_writer(const std::string& path) {
  auto connection = TRY(sqlite::Connection::open(path, sqlite::Access::kGathering));
  const std::string mode = TRY(connection->text_of("PRAGMA journal_mode = WAL"));
  if (mode != "wal") return fail(ErrorCode::kIo, "SQLite cannot keep a write-ahead log for " + path);
  TRY(connection->execute(kWriterSettings));
  return connection;
}

Result<std::unique_ptr<sqlite::Connection>> open_reader(const std::string& path) {
  auto connection = TRY(sqlite::Connection::open(path, sqlite::Access::kReadWrite));
  TRY(connection->execute(kReaderSettings));
  return connection;
}

Result<bool> is_blank(sqlite::Connection& connection) {
  return TRY(connection.integer_of("SELECT count(*) FROM sqlite_schema")) == 0;
}

Status create_database(sqlite::Connection& connection, const Vault& vault, const Layouts& layouts,
                       const Meta& meta, const Hash256& log_chain) {
  return in_transaction(connection,
                        [&] { return make_everything(connection, vault, layouts, meta, log_chain); });
}

Status make_tables(sqlite::Connection& connection, const Vault& vault, const Layouts& layouts,
                   const Meta& meta) {
  TRY(connection.execute(kApplicationId));
  for (const std::string_view sql : {kMetaSql, kSchemaSql, kStateSql})
    TRY(connection.execute(std::string(sql)));
  for (const Layout& layout : layouts.all()) {
    TRY(connection.execute(layout.create_sql));
    TRY(write_schema(connection, vault, layout.name, layout.describe()));
  }
  return write_meta(connection, vault, meta);
}

Status make_indexes(sqlite::Connection& connection, const Layouts& layouts) {
  for (const Layout& layout : layouts.all()) {
    for (const IndexLayout& index : layout.indexes) TRY(connection.execute(index.sql));
  }
  return {};
}

Result<Migration> plan_migration(sqlite::Connection& connection, const KeyView& keys,
                                 const Layouts& layouts) {
  const SchemaNotes notes = TRY(read_schema(connection, keys));
  const std::vector<Object> objects = TRY(objects_of(connection));
  TRY(check_objects(objects, notes, layouts));
  Migration migration;
  std::set<std::string, std::less<>> moved;
  for (const Layout& layout : layouts.all()) {
    const auto note = notes.find(layout.name);
    if (note != notes.end()) {
      const Layout made = noted(layout, note->second);
      if (is_older_form(objects, made)) {
        plan_present_form(made, migration);
        moved.insert(layout.name);
      }
      plan_table(layout, note->second, migration);
      continue;
    }
    migration.statements.push_back(layout.create_sql);
    migration.tables.push_back(&layout);
  }
  TRY(plan_indexes(objects, layouts, moved, migration));
  return migration;
}

Status migrate(sqlite::Connection& connection, const KeyView& keys, const Vault& vault,
               const Migration& migration, State& state, const Hash256& log_chain) {
  State next = state;
  connection.forget_statements();
  TRY(in_transaction(connection,
                     [&] { return apply_migration(connection, keys, vault, migration, next, log_chain); }));
  connection.forget_statements();
  state = std::move(next);
  return {};
}

Result<std::vector<std::string>> check_integrity(sqlite::Connection& connection) {
  std::vector<std::string> found;
  sqlite::Statement statement = TRY(connection.prepare("PRAGMA integrity_check(10)"));
  while (TRY(statement.step())) {
    std::string line(statement.text(0));
    if (line != "ok") found.push_back(std::move(line));
  }
  return found;
}

}  // namespace tapewarden::store

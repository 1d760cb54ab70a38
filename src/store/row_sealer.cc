#include "store/row_sealer.h"

#include <algorithm>

#include "base/assert.h"
#include "store/session.h"
#include "store/state.h"

namespace tapewarden::store {

namespace {

WriteSession& session_of(Transaction& transaction) {
  auto* session = dynamic_cast<WriteSession*>(&transaction);
  TW_ASSERT(session != nullptr);
  return *session;
}

// The version that a stored row_mac names, as SQL; NULL in the form without versions.
constexpr std::string_view kNamedVersion =
    "CASE WHEN length(row_mac) = 36 THEN substr(row_mac, 1, 4) ELSE NULL END";

Bytes encoded(KeyVersion version) {
  return ByteWriter().u32(version).take();
}

// The key columns' names with a comma between, in the order of their tree: so that nothing is sorted.
std::string key_names(const Layout& layout) {
  std::string out;
  for (const std::size_t i : layout.tree_columns) {
    out += (out.empty() ? "\"" : ", \"") + std::string(layout.spec.columns[i].name) + "\"";
  }
  return out;
}

// Parameters: the place after which it begins, and the number of rows.
std::string look_sql(const Layout& layout, bool from_beginning) {
  const std::string names = key_names(layout);
  const std::size_t count = layout.tree_columns.size();
  std::string where;
  if (!from_beginning) {
    where = " WHERE (" + names + ") > (";
    for (std::size_t i = 0; i < count; ++i) where += (i > 0 ? ", ?" : "?") + std::to_string(i + 1);
    where += ")";
  }
  return "SELECT " + std::string(kNamedVersion) + ", " + names + " FROM \"" + layout.name + "\"" + where +
         " ORDER BY " + names + " LIMIT ?" + std::to_string(count + 1);
}

Result<Value> take_key_value(const sqlite::Statement& statement, int column, ColumnType type) {
  switch (type) {
    case ColumnType::kInteger:
      return Value(statement.integer(column));
    case ColumnType::kText:
      return Value(std::string(statement.text(column)));
    case ColumnType::kBlob:
      return Value(to_bytes(statement.blob(column)));
  }
  return fail(ErrorCode::kInternal, "unknown column type");
}

// The key, as others take it, of a row at that place of the tree.
Row key_at(const Layout& layout, const Row& place) {
  Row key;
  for (const std::size_t column : layout.key_columns) {
    const auto at = std::ranges::find(layout.tree_columns, column) - layout.tree_columns.begin();
    key.push_back(place[static_cast<std::size_t>(at)]);
  }
  return key;
}

Status look(sqlite::Connection& connection, const Layout& layout, const Bytes& current, ResealCursor& cursor,
            OldRows& out) {
  // The statement borrows what is bound to it until it ends, and reads it again at every row.
  const Row from = cursor.after;
  const bool from_beginning = from.empty();
  sqlite::Statement* statement =
      TRY(connection.cached((from_beginning ? "look " : "look after ") + layout.name,
                            [&] { return look_sql(layout, from_beginning); }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < from.size(); ++i) bind_value(*use, static_cast<int>(i) + 1, from[i]);
  use->bind_integer(static_cast<int>(layout.key_columns.size()) + 1,
                    static_cast<std::int64_t>(kRowsLookedAt));
  std::size_t seen = 0;
  while (out.keys.size() < kRowsResealed && TRY(use->step())) {
    ++seen;
    Row place;
    for (std::size_t i = 0; i < layout.tree_columns.size(); ++i) {
      place.push_back(TRY(
          take_key_value(*use, static_cast<int>(i) + 1, layout.spec.columns[layout.tree_columns[i]].type)));
    }
    const bool is_old = use->storage_class(0) != sqlite::StorageClass::kBlob || !equal(use->blob(0), current);
    if (is_old) out.keys.push_back(key_at(layout, place));
    cursor.after = std::move(place);
  }
  if (seen < kRowsLookedAt && out.keys.size() < kRowsResealed) {
    ++cursor.table;
    cursor.after.clear();
  }
  return {};
}

}  // namespace

Result<KeyVersion> RowSealer::version() {
  KeyVersion version = 0;
  const KeyView keys(ring_);
  TRY(readers_.run(ReaderPool::Snapshot::kNew, [&](const ReaderPool::Lease& lease) -> Status {
    version = TRY(read_meta(*lease.connection, keys)).key;
    return {};
  }));
  return version;
}

Result<std::optional<KeyVersionRow>> RowSealer::record() {
  const KeyVersion wanted = TRY(version());
  std::optional<KeyVersionRow> out;
  const KeyView keys(ring_);
  TRY(readers_.run(ReaderPool::Snapshot::kNew, [&](const ReaderPool::Lease& lease) -> Status {
    RowAccess rows(*lease.connection, layouts_, keys);
    const std::vector<Value> key{Value(std::int64_t{wanted})};
    if (const auto row = TRY(rows.get(kKeyVersionTable, key))) out = KeyVersionRow::from_row(*row);
    return {};
  }));
  return out;
}

namespace {

Status put_version(WriteSession& session, const KeyVersionRow& row) {
  const Vault* vault = session.access().keys().find(row.version);
  TW_ASSERT(vault != nullptr);
  const std::vector<Value> key{Value(std::int64_t{row.version})};
  Bytes sealed =
      session.seal(kKeyVersionTable, key, kKeyVersionTable.columns[kHeadKeyColumn].name, vault->head_key());
  return session.put(kKeyVersionTable, row.to_row(std::move(sealed)));
}

}  // namespace

Status RowSealer::begin(Transaction& transaction, KeyVersion version, const std::string& started_by,
                        WallTime now) {
  WriteSession& session = session_of(transaction);
  const KeyVersion before = session.writes_under().version();
  if (version <= before) {
    return fail(ErrorCode::kConflict,
                "the keystore is under version " + std::to_string(before) + " of the master key already");
  }
  TRY(session.begin_version(version));
  const std::vector<Value> first{Value(std::int64_t{before})};
  if (!TRY(session.get(kKeyVersionTable, first))) TRY(put_version(session, {before, 0, {}, now, {}}));
  return put_version(session, {version, session.sequence(), now, {}, started_by});
}

Result<OldRows> RowSealer::next_old(ResealCursor& cursor) {
  OldRows out;
  const Bytes current = encoded(TRY(version()));
  TRY(readers_.run(ReaderPool::Snapshot::kNew, [&](const ReaderPool::Lease& lease) -> Status {
    while (out.keys.empty() && cursor.table < layouts_.all().size()) {
      out.table = cursor.table;
      TRY(look(*lease.connection, layouts_.all()[cursor.table], current, cursor, out));
    }
    return {};
  }));
  cursor.done = out.keys.empty();
  return out;
}

Result<ResealReport> RowSealer::reseal(Transaction& transaction, const OldRows& rows) {
  WriteSession& session = session_of(transaction);
  const Layout& layout = layouts_.all().at(rows.table);
  ResealReport report;
  for (const Row& key : rows.keys) {
    const auto done = session.reseal(layout, key);
    if (done) {
      report.resealed += *done ? 1U : 0U;
    } else if (done.error().code == ErrorCode::kCorrupt) {
      if (report.damaged++ == 0) report.first_damaged = done.error().message;
    } else {
      return std::unexpected(done.error());
    }
  }
  return report;
}

Result<SealCensus> RowSealer::census() {
  SealCensus out;
  const Bytes current = encoded(TRY(version()));
  TRY(readers_.run(ReaderPool::Snapshot::kNew, [&](const ReaderPool::Lease& lease) -> Status {
    for (const Layout& layout : layouts_.all()) {
      sqlite::Statement statement = TRY(
          lease.connection->prepare("SELECT count(*), count(*) FILTER (WHERE " + std::string(kNamedVersion) +
                                    " IS NOT ?1) FROM \"" + layout.name + "\""));
      statement.bind_blob(1, current);
      if (!TRY(statement.step())) continue;
      out.rows += static_cast<std::uint64_t>(statement.integer(0));
      out.old += static_cast<std::uint64_t>(statement.integer(1));
    }
    return {};
  }));
  return out;
}

Status RowSealer::end(Transaction& transaction, WallTime now) {
  WriteSession& session = session_of(transaction);
  const KeyVersion version = session.writes_under().version();
  const std::vector<Value> key{Value(std::int64_t{version})};
  const auto row = TRY(session.get(kKeyVersionTable, key));
  if (!row) return fail(ErrorCode::kInternal, "no rotation has begun");
  KeyVersionRow ended = KeyVersionRow::from_row(*row);
  ended.ended = now;
  // Its box is made anew: a box that leaves its row has the write-ahead log emptied.
  return put_version(session, ended);
}

}  // namespace tapewarden::store

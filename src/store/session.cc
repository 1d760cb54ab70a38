#include "store/session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "store/record_text.h"

namespace tapewarden::store {

namespace {

Status check_key(const Layout& layout, std::span<const Value> key) {
  bool fits = key.size() == layout.key_columns.size();
  for (std::size_t i = 0; fits && i < key.size(); ++i) {
    fits = has_type(key[i], layout.spec.columns[layout.key_columns[i]].type);
  }
  if (!fits) return fail(ErrorCode::kInternal, "the key does not fit the table " + layout.name);
  return {};
}

std::size_t size_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* bytes = std::get_if<Bytes>(&value)) return bytes->size();
  return 0;
}

}  // namespace

Status RowAccess::verify(const Layout& layout, StoredRow& stored) const {
  const auto written = static_cast<std::size_t>(stored.head.columns);
  const Vault* vault = keys_.find(stored.head.key);
  if (vault == nullptr) {
    return damaged_row(layout, stored.row,
                       "sealed under version " + std::to_string(stored.head.key) +
                           " of the master key, which is not there, or was changed");
  }
  const Hash256 mac = vault->row_mac(canonical_row(layout.spec, stored.head, stored.row));
  if (!equal(mac, stored.head.mac)) return damaged_row(layout, stored.row, "changed");
  for (std::size_t i = 0; stored.head.key == kFormWithoutVersion && i < written; ++i) {
    if (layout.spec.columns[i].role != ColumnRole::kSecret || !holds_secret(stored.row[i])) continue;
    stored.row[i] = with_version(std::get<Bytes>(stored.row[i]));
  }
  for (std::size_t i = written; i < stored.row.size(); ++i) {
    if (!std::holds_alternative<std::monostate>(stored.row[i])) {
      return damaged_row(layout, stored.row, "changed");
    }
    if (!stored.head.erased) stored.row[i] = default_value(layout.spec.columns[i].type);
  }
  return {};
}

Result<std::optional<StoredRow>> RowAccess::find(const Layout& layout, std::span<const Value> key) {
  TRY(check_key(layout, key));
  sqlite::Statement* statement =
      TRY(connection_.cached("get " + layout.name, [&] { return layout.select_sql; }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < key.size(); ++i) {
    bind_value(*use, static_cast<int>(layout.key_columns[i]) + kHiddenColumns + 1, key[i]);
  }
  if (!TRY(use->step())) return std::optional<StoredRow>();
  StoredRow stored = TRY(take_row(layout, *use));
  TRY(verify(layout, stored));
  return std::optional<StoredRow>(std::move(stored));
}

Result<std::optional<Row>> RowAccess::get(const TableSpec& table, std::span<const Value> key) {
  const Layout* layout = TRY(layouts_.find(table));
  if (!remembers(*layout)) return read_row(*layout, key);
  const auto read = [&]() -> Result<std::vector<Row>> {
    auto row = TRY(read_row(*layout, key));
    std::vector<Row> rows;
    if (row) rows.push_back(*std::move(row));
    return rows;
  };
  auto rows = TRY(remembered(*layout, RowMemory::question(layout->name, "key", key), read));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<std::optional<Row>> RowAccess::read_row(const Layout& layout, std::span<const Value> key) {
  std::optional<StoredRow> stored = TRY(find(layout, key));
  if (!stored || stored->head.erased) return std::optional<Row>();
  return std::optional<Row>(std::move(stored->row));
}

Result<std::vector<Row>> RowAccess::query(const TableSpec& table, std::string_view where,
                                          std::span<const Value> parameters) {
  const Layout* layout = TRY(layouts_.find(table));
  if (!remembers(*layout)) return read_rows(*layout, where, parameters);
  return remembered(*layout, RowMemory::question(layout->name, "where " + std::string(where), parameters),
                    [&] { return read_rows(*layout, where, parameters); });
}

Result<std::vector<Row>> RowAccess::read_rows(const Layout& layout, std::string_view where,
                                              std::span<const Value> parameters) {
  std::vector<Row> rows;
  for (StoredRow& stored : TRY(find_all(layout, where, parameters))) rows.push_back(std::move(stored.row));
  return rows;
}

Result<std::vector<Row>> RowAccess::query_sound(const TableSpec& table, std::string_view where,
                                                std::span<const Value> parameters,
                                                std::vector<DamagedRow>& damaged) {
  const Layout* layout = TRY(layouts_.find(table));
  std::vector<Row> rows;
  for (StoredRow& stored : TRY(find_all(*layout, where, parameters, &damaged))) {
    rows.push_back(std::move(stored.row));
  }
  return rows;
}

Result<StoredRow> RowAccess::take_verified(const Layout& layout, const sqlite::Statement& statement) const {
  StoredRow stored = TRY(take_row(layout, statement));
  TRY(verify(layout, stored));
  return stored;
}

Result<std::vector<StoredRow>> RowAccess::find_all(const Layout& layout, std::string_view where,
                                                   std::span<const Value> parameters,
                                                   std::vector<DamagedRow>* damaged) {
  std::string name = "query " + layout.name + " ";
  name += where;
  sqlite::Statement* statement =
      TRY(connection_.cached(name, [&] { return layout.live_sql(layout.stored_columns(), where); }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    bind_value(*use, static_cast<int>(i) + 1, parameters[i]);
  std::vector<StoredRow> rows;
  while (TRY(use->step())) {
    auto stored = take_verified(layout, *use);
    if (stored) {
      rows.push_back(*std::move(stored));
    } else if (damaged != nullptr && stored.error().code == ErrorCode::kCorrupt) {
      Row key = take_key(layout, *use);
      std::string print = printable_key(key);
      damaged->push_back({std::move(key), std::move(print)});
    } else {
      return std::unexpected(std::move(stored).error());
    }
  }
  return rows;
}

Result<std::vector<Row>> RowAccess::hints(const TableSpec& table, std::span<const std::size_t> columns,
                                          std::string_view where, std::span<const Value> parameters) {
  const Layout* layout = TRY(layouts_.find(table));
  std::string what;
  for (const std::size_t column : columns) {
    if (!what.empty()) what += ", ";
    what += layout->spec.columns.at(column).name;
  }
  std::string name = "hints " + layout->name + " ";
  name.append(what).append(" where ").append(where);
  sqlite::Statement* statement = TRY(connection_.cached(name, [&] { return layout->live_sql(what, where); }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    bind_value(*use, static_cast<int>(i) + 1, parameters[i]);
  std::vector<Row> rows;
  while (TRY(use->step())) {
    Row row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      row.push_back(TRY(take_value(*use, static_cast<int>(i))));
      if (!has_type(row.back(), layout->spec.columns[columns[i]].type))
        return fail(ErrorCode::kCorrupt, "an index of the table " + layout->name + " was changed");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::int64_t> RowAccess::aggregate(const TableSpec& table, std::string_view expression,
                                          std::string_view where, std::span<const Value> parameters) {
  const Layout* layout = TRY(layouts_.find(table));
  std::string name = "aggregate " + layout->name + " ";
  name.append(expression).append(" where ").append(where);
  sqlite::Statement* statement =
      TRY(connection_.cached(name, [&] { return layout->live_sql(expression, where); }));
  const sqlite::Use use(*statement);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    bind_value(*use, static_cast<int>(i) + 1, parameters[i]);
  if (!TRY(use->step())) return std::int64_t{0};
  return use->integer(0);
}

Result<crypto::SecretBytes> RowAccess::unseal(const TableSpec& table, const Row& row, std::size_t column) {
  const Layout* layout = TRY(layouts_.find(table));
  const auto& columns = layout->spec.columns;
  if (column >= columns.size() || row.size() != columns.size() ||
      columns[column].role != ColumnRole::kSecret) {
    return fail(ErrorCode::kInternal, "no secret column of the table " + layout->name);
  }
  if (!holds_secret(row[column])) {
    return fail(ErrorCode::kNotFound, "the row holds no secret", std::string(columns[column].name));
  }
  const Bytes place = secret_place(layout->spec, key_of(layout->spec, row), columns[column].name);
  auto secret = open_box(place, std::get<Bytes>(row[column]));
  if (!secret) return damaged_row(*layout, row, "changed");
  return secret;
}

Result<crypto::SecretBytes> RowAccess::open_box(ByteView place, ByteView box) const {
  const Vault* vault = keys_.find(version_of_box(box));
  if (vault == nullptr)
    return fail(ErrorCode::kCorrupt, "the box names no version of the master key that is there");
  return vault->open(place, box);
}

Result<std::optional<Row>> ReadSession::get(const TableSpec& table, std::span<const Value> key) {
  const auto is_it = [&](const Kept& kept) {
    return kept.table == &table && std::ranges::equal(kept.key, key);
  };
  if (const auto found = std::ranges::find_if(kept_, is_it); found != kept_.end()) return found->row;
  auto row = TRY(access_.get(table, key));
  Kept& oldest = kept_[next_];
  next_ = (next_ + 1) % kKept;
  oldest = {&table, Row(key.begin(), key.end()), row};
  return row;
}

Result<std::optional<StoredRow>> WriteSession::find(const Layout& layout, std::span<const Value> key) {
  std::string place = GroupRows::place(layout, key);
  if (const auto* known = rows_.find(place)) return *known;
  return rows_.keep(std::move(place), TRY(access_.find(layout, key)));
}

Result<std::optional<Row>> WriteSession::get(const TableSpec& table, std::span<const Value> key) {
  const Layout* layout = TRY(access_.layouts().find(table));
  if (access_.remembers(*layout)) return access_.get(table, key);
  std::optional<StoredRow> stored = TRY(find(*layout, key));
  if (!stored || stored->head.erased) return std::optional<Row>();
  return std::optional<Row>(std::move(stored->row));
}

Result<std::vector<Row>> WriteSession::query(const TableSpec& table, std::string_view where,
                                             std::span<const Value> parameters) {
  const Layout* layout = TRY(access_.layouts().find(table));
  if (access_.remembers(*layout)) return access_.query(table, where, parameters);
  auto found = TRY(access_.find_all(*layout, where, parameters));
  // A row that was searched for is mostly changed next; of many rows hardly one is.
  if (found.size() == 1)
    rows_.keep(GroupRows::place(*layout, key_of(layout->spec, found.front().row)), found.front());
  std::vector<Row> rows;
  for (StoredRow& stored : found) rows.push_back(std::move(stored.row));
  return rows;
}

void WriteSession::begin_group(std::uint64_t sequence, Undo undo) {
  sequence_ = sequence;
  undo_ = undo;
  version_ = settled_;
  access_.keys().renew();
  access_.set_seen(sequence - 1);
  rows_.forget();
  changes_.clear();
  records_.clear();
}

Status WriteSession::run(const Keystore::Work& work) {
  const std::size_t changes = changes_.size();
  const std::size_t records = records_.size();
  const KeyVersion version = version_;
  bad_record_.clear();
  formers_.clear();
  notes_changed_ = false;
  Status result = work(*this);
  if (result && !bad_record_.empty()) result = fail(ErrorCode::kInternal, bad_record_, "audit record");
  const auto own = std::span(changes_).subspan(changes);
  last_run_changed_ = result.has_value() && !std::ranges::all_of(own, &Change::resealed);
  if (result) return result;
  rows_.forget();
  version_ = version;
  changes_.resize(changes);
  records_.resize(records);
  const Status undone = undo_changes();
  return undone ? result : undone;
}

Status WriteSession::check_row(const Layout& layout, const Row& row, const std::optional<StoredRow>& before) {
  const auto& columns = layout.spec.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool null = std::holds_alternative<std::monostate>(row[i]);
    if (!null && !has_type(row[i], columns[i].type)) {
      return fail(ErrorCode::kInternal, "a value has another type than its column",
                  std::string(columns[i].name));
    }
    if (size_of(row[i]) > kValueBytesLimit) {
      return fail(ErrorCode::kInvalidArgument, "the value is too long", std::string(columns[i].name));
    }
    if (columns[i].role != ColumnRole::kSecret || !holds_secret(row[i])) continue;
    if (before && before->row[i] == row[i]) continue;
    // A secret that cannot be opened again would be a lost key: look before it is stored.
    const Bytes place = secret_place(layout.spec, key_of(layout.spec, row), columns[i].name);
    if (!access_.open_box(place, std::get<Bytes>(row[i]))) {
      return fail(ErrorCode::kInternal, "the secret was not sealed for this row",
                  std::string(columns[i].name));
    }
  }
  return {};
}

Status WriteSession::put(const TableSpec& table, const Row& row) {
  const Layout* layout = TRY(access_.layouts().find(table));
  if (row.size() != layout->spec.columns.size()) {
    return fail(ErrorCode::kInternal, "the row does not fit the table " + layout->name);
  }
  const std::optional<StoredRow> before = TRY(find(*layout, key_of(layout->spec, row)));
  TRY(check_row(*layout, row, before));
  RowHead head;
  head.version = before ? before->head.version + 1 : 1;
  head.origin = server_;
  return store(*layout, before, head, row);
}

Status WriteSession::erase(const TableSpec& table, std::span<const Value> key) {
  const Layout* layout = TRY(access_.layouts().find(table));
  const std::optional<StoredRow> before = TRY(find(*layout, key));
  if (!before || before->head.erased) {
    return fail(ErrorCode::kNotFound, layout->name + " has no such row", printable_key(key));
  }
  RowHead head;
  head.version = before->head.version + 1;
  head.origin = server_;
  head.erased = true;
  Row row(layout->spec.columns.size());
  for (std::size_t i = 0; i < key.size(); ++i) row[layout->key_columns[i]] = key[i];
  return store(*layout, before, head, std::move(row));
}

namespace {
bool loses_secret(const Layout& layout, const Row& before, const Row& after) {
  const auto& columns = layout.spec.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].role == ColumnRole::kSecret && holds_secret(before[i]) && before[i] != after[i])
      return true;
  }
  return false;
}

// Nothing when the whole row must be written: it is new, comes back or goes, gets columns that it lacks, or
// its boxes get the form that names a version.
std::optional<std::vector<std::size_t>> changed_columns(const Layout& layout,
                                                        const std::optional<StoredRow>& before,
                                                        const RowHead& head, const Row& row) {
  if (!before || before->head.erased != head.erased || before->head.columns != head.columns ||
      before->head.key == kFormWithoutVersion)
    return std::nullopt;
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (layout.spec.columns[i].role != ColumnRole::kKey && row[i] != before->row[i]) changed.push_back(i);
  }
  return changed;
}

// `mac`: the head's stored_mac(); it must live until the statement has run.
void bind_head(sqlite::Statement& statement, const RowHead& head, const Bytes& mac) {
  statement.bind_integer(1, head.version);
  statement.bind_blob(2, head.origin.view());
  statement.bind_integer(3, head.commit);
  statement.bind_blob(6, mac);
}
}  // namespace

Status WriteSession::write_row(const Layout& layout, const std::optional<StoredRow>& before,
                               const RowHead& head, const Row& row) {
  const auto changed = changed_columns(layout, before, head, row);
  return changed ? write_columns(layout, head, row, *changed)
                 : write_whole(layout, before.has_value(), head, row);
}

Status WriteSession::write_whole(const Layout& layout, bool there, const RowHead& head, const Row& row) {
  sqlite::Statement* statement =
      TRY(there ? access_.connection().cached("update " + layout.name, [&] { return layout.update_sql; })
                : access_.connection().cached("insert " + layout.name, [&] { return layout.insert_sql; }));
  const Bytes mac = stored_mac(head.key, head.mac);
  const sqlite::Use use(*statement);
  bind_head(*use, head, mac);
  use->bind_integer(4, head.erased ? 1 : 0);
  use->bind_integer(5, head.columns);
  for (std::size_t i = 0; i < row.size(); ++i) {
    bind_value(*use, static_cast<int>(i) + kHiddenColumns + 1, row[i]);
  }
  return use->run();
}

Status WriteSession::write_columns(const Layout& layout, const RowHead& head, const Row& row,
                                   std::span<const std::size_t> columns) {
  std::string name = "update of " + layout.name;
  for (const std::size_t i : columns) name += " " + std::to_string(i);
  sqlite::Statement* statement =
      TRY(access_.connection().cached(name, [&] { return layout.update_some_sql(columns); }));
  const Bytes mac = stored_mac(head.key, head.mac);
  const sqlite::Use use(*statement);
  bind_head(*use, head, mac);
  const auto bind = [&](std::size_t i) {
    bind_value(*use, static_cast<int>(i) + kHiddenColumns + 1, row[i]);
  };
  for (const std::size_t i : columns) bind(i);
  for (const std::size_t i : layout.key_columns) bind(i);
  return use->run();
}

Status WriteSession::store(const Layout& layout, const std::optional<StoredRow>& before, RowHead head,
                           Row row) {
  const Row key_values = key_of(layout.spec, row);
  std::string place = GroupRows::place(layout, key_values);
  std::string key = printable_key(key_values);
  if (key.size() > kKeyBytesLimit) {
    return fail(ErrorCode::kInvalidArgument, "the row's key is too long", layout.name);
  }
  // On a full disk SQLite undoes the whole transaction, not the statement alone. A work that overlooks its
  // error must not go on: each further statement would be a commit of its own, in no head and no record.
  if (!access_.connection().in_transaction())
    return fail(ErrorCode::kIo, "the group was undone", layout.name);
  keep_former(layout, before, row);
  if (layout.spec.remembered) access_.set_seen({});  // this group sees more than any commit
  head.commit = static_cast<std::int64_t>(sequence_);
  head.columns = static_cast<std::int64_t>(row.size());
  const bool secret_gone = before && loses_secret(layout, before->row, row);
  TRY(renew_boxes(layout, row));
  head.key = version_;
  head.mac = writes_under().row_mac(canonical_row(layout.spec, head, row));
  TRY(write_row(layout, before, head, row));
  changes_.push_back(
      {layout.position, std::move(key), before ? before->head : RowHead{}, head, secret_gone, false});
  // A new row is hardly looked at again in its group; what is changed is often a counter.
  if (before) {
    rows_.keep(std::move(place), StoredRow{head, std::move(row)});
  } else {
    rows_.forget(place);
  }
  return {};
}

void WriteSession::record(std::string json) {
  // Within JSON only strings hold other characters, and there an escape means the same. A control character
  // has no place in it at all.
  const bool control = std::ranges::any_of(json, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  bool good = !control && json.size() > 2 && json.front() == '{' && json.back() == '}' &&
              json.size() <= kRecordBytesLimit;
  if (good && !is_printable(json)) {
    std::string escaped;
    append_ascii(escaped, json);
    json = std::move(escaped);
    good = json.size() <= kRecordBytesLimit;  // as it will be written: the audit must not find it too long
  }
  if (good) {
    records_.push_back(std::move(json));
  } else {
    bad_record_ = "an audit record is not one JSON object in one line";
  }
}

}  // namespace tapewarden::store

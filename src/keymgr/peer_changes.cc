#include "keymgr/peer_changes.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_manager.h"
#include "keymgr/tables.h"
#include "people/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kRecordsOfOneTable = 256;  // of one message; more are only counted
constexpr std::size_t kShownCharacters = 64;

Actor the_peer() {
  return {"peer", ActorKind::kPeer};
}

using Fields = std::vector<std::pair<std::string_view, std::string>>;

// The tables whose changes are told column by column.
const store::TableSpec* told(std::string_view table) {
  static const std::array<const store::TableSpec*, 13> kTold = {
      &kKeyGroupTable,          &kKekTable,        &kKekLabelTable, &kDriveTable,
      &kProxyDriveTable,        &kAccessRuleTable, &kSettingTable,  &kServerTable,
      &kKeyHoldTable,           &kTombstoneTable,  &kQuotaTable,    &people::people_table(),
      &people::approval_table()};
  const auto found = std::ranges::find(kTold, table, &store::TableSpec::name);
  return found == kTold.end() ? nullptr : *found;
}

std::string shown(const store::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return escape_unprintable(std::string_view(*text).substr(0, kShownCharacters));
  }
  const auto* bytes = std::get_if<Bytes>(&value);
  if (bytes == nullptr) return "";
  return to_hex(ByteView(*bytes).first(std::min(bytes->size(), kShownCharacters / 2)));
}

// "state=2, decided_by=anna": what is new or different, and of secrets only that they changed.
std::string differences(const store::TableSpec& table, const store::ApplyReport::Changed& row) {
  std::string out;
  for (std::size_t i = 0; row.after && i < table.columns.size(); ++i) {
    const auto& column = table.columns[i];
    if (column.role == store::ColumnRole::kKey || column.role == store::ColumnRole::kLocal) continue;
    if (row.before && (*row.before)[i] == (*row.after)[i]) continue;
    const bool secret = column.role == store::ColumnRole::kSecret;
    out += (out.empty() ? "" : ", ") + std::string(column.name);
    if (!secret) out += "=" + shown((*row.after)[i]);
  }
  return out;
}

std::string key_text(const store::Row& key) {
  std::string out;
  for (const auto& value : key) out += (out.empty() ? "" : "/") + shown(value);
  return out;
}

class Notes {
 public:
  Notes(store::Transaction& transaction, const ServerContext& context)
      : transaction_(transaction), context_(context) {}

  void write(std::string_view action, Fields fields, bool success = true) {
    fields.emplace_back("from", "the peer");
    note(transaction_, context_,
         {.type = AuditType::kDataSynchronization,
          .action = action,
          .actor = the_peer(),
          .success = success,
          .fields = std::move(fields)});
  }
  // Within the number that one message may make of a table.
  bool has_room(const std::string& table) { return ++count_[table] <= kRecordsOfOneTable; }
  void close() {
    for (const auto& [table, count] : count_) {
      if (count <= kRecordsOfOneTable) continue;
      write("peer.more-changes", {{"table", table}, {"rows", std::to_string(count - kRecordsOfOneTable)}});
    }
  }

 private:
  store::Transaction& transaction_;
  const ServerContext& context_;
  std::map<std::string, std::size_t> count_;
};

// New keys of one message together.
struct NewKeys {
  std::size_t count = 0;
  std::string first;
  std::string last;
  void add(const DataKey& key) {
    if (count++ == 0) first = key.alias;
    last = key.alias;
  }
};

void note_data_key(Notes& notes, NewKeys& made, const store::ApplyReport::Changed& row) {
  const DataKey after = DataKey::from_row(*row.after);
  if (!row.before) return made.add(after);
  const DataKey before = DataKey::from_row(*row.before);
  const bool hidden = (before.quarantined == kNever) != (after.quarantined == kNever);
  if (before.state == after.state && before.owner == after.owner && before.group == after.group && !hidden) {
    return;
  }
  if (!notes.has_room(row.table)) return;
  Fields fields{{"alias", after.alias}, {"fingerprint", to_hex(after.fingerprint)}};
  fields.emplace_back("before", std::string(to_string(before.state)));
  fields.emplace_back("state", std::string(to_string(after.state)));
  if (before.owner != after.owner) fields.emplace_back("owner", after.owner.text());
  if (before.group != after.group) fields.emplace_back("group", after.group);
  if (hidden) fields.emplace_back("quarantined", after.quarantined == kNever ? "no" : "yes");
  notes.write("key.change", std::move(fields));
}

void note_row(Notes& notes, const store::TableSpec& table, const store::ApplyReport::Changed& row) {
  const std::string changed = differences(table, row);
  if (row.after && row.before && changed.empty()) return;
  if (!notes.has_room(row.table)) return;
  notes.write("peer.change", {{"table", row.table},
                              {"key", key_text(row.key)},
                              {"change", !row.after   ? "erased"
                                         : row.before ? "changed"
                                                      : "added"},
                              {"columns", changed}});
}

}  // namespace

Status note_peer_changes(store::Transaction& transaction, const ServerContext& context,
                         const store::ApplyReport& report) {
  Notes notes(transaction, context);
  NewKeys made;
  for (const auto& row : report.changed) {
    if (row.table == kDataKeyTable.name && row.after) {
      note_data_key(notes, made, row);
    } else if (const store::TableSpec* table = told(row.table)) {
      note_row(notes, *table, row);
    }
  }
  if (made.count > 0) {
    notes.write("key.copy",
                {{"count", std::to_string(made.count)}, {"first", made.first}, {"last", made.last}});
  }
  for (const auto& one : report.refused) {
    if (!notes.has_room("refused " + one.table)) continue;
    notes.write("peer.refuse-row", {{"table", one.table}, {"key", one.key}, {"why", one.why}}, false);
  }
  notes.close();
  return {};
}

Status KeyManager::note_refused(store::Transaction& transaction, std::span<const RefusedRow> rows) {
  std::size_t told = 0;
  for (const auto& one : rows) {
    bool known = false;  // a key that was noted is sent once more, with its note
    if (one.table == kDataKeyTable.name) {
      if (const auto row = TRY(transaction.get(kDataKeyTable, {one.row.front()}))) {
        DataKey key = DataKey::from_row(*row);
        known = std::exchange(key.created_commit, kNeverHeld) == kNeverHeld;
        if (!known) TRY(keys_.put(transaction, key));
      }
    } else if (one.table == kKekTable.name) {
      if (const auto row = TRY(transaction.get(kKekTable, {one.row.front()}))) {
        Kek kek = Kek::from_row(*row);
        known = std::exchange(kek.private_commit, kNeverHeld) == kNeverHeld;
        if (!known) TRY(transaction.put(kKekTable, kek.to_row()));
      }
    }
    if (known || ++told > kRecordsOfOneTable) continue;
    note(transaction, context_,
         {.type = AuditType::kDataSynchronization,
          .action = "peer.refused-row",
          .actor = the_peer(),
          .success = false,
          .fields = {{"table", one.table}, {"key", shown(one.row.front())}, {"why", one.why}}});
  }
  refused_keys_ = true;
  return {};
}

namespace {

// Rows of these keys that say that the peer refused them.
template <typename Row>
Result<std::optional<Row>> refused_row(store::Reader& reader, const store::TableSpec& table,
                                       std::int64_t Row::* commit, const Bytes& id) {
  const auto row = TRY(reader.get(table, {id}));
  if (!row) return std::optional<Row>();
  Row key = Row::from_row(*row);
  if (key.*commit != kNeverHeld) return std::optional<Row>();
  return std::optional(std::move(key));
}

Result<bool> any_refused(store::Reader& reader) {
  if (!TRY(reader.query(kDataKeyTable, "created_commit = ? LIMIT 1", {kNeverHeld})).empty()) return true;
  return !TRY(reader.query(kKekTable, "private_commit = ? LIMIT 1", {kNeverHeld})).empty();
}

}  // namespace

Status KeyManager::note_held(std::span<const HeldKey> keys) {
  if (!refused_keys_) return {};
  std::vector<HeldKey> marked;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    if (!TRY(any_refused(reader))) {
      refused_keys_ = false;
      return {};
    }
    for (const auto& one : keys) {
      const bool refused =
          one.table == kDataKeyTable.name
              ? TRY(refused_row(reader, kDataKeyTable, &DataKey::created_commit, one.id)).has_value()
              : TRY(refused_row(reader, kKekTable, &Kek::private_commit, one.id)).has_value();
      if (refused) marked.push_back(one);
    }
    return {};
  }));
  if (marked.empty()) return {};
  // Not waited for: the caller is who lets commits pass.
  keystore_.submit(
      [this, marked](store::Transaction& transaction) { return count_as_held(transaction, marked); },
      [](const Result<store::CommitInfo>&) {});
  return {};
}

// The key counts from this commit on, so that the peer takes it once more before it is given out.
Status KeyManager::count_as_held(store::Transaction& transaction, std::span<const HeldKey> keys) const {
  const auto now = static_cast<std::int64_t>(transaction.sequence());
  std::size_t told = 0;
  for (const auto& one : keys) {
    if (one.table == kDataKeyTable.name) {
      auto key = TRY(refused_row(transaction, kDataKeyTable, &DataKey::created_commit, one.id));
      if (!key) continue;
      key->created_commit = now;
      TRY(keys_.put(transaction, *key));
    } else {
      auto kek = TRY(refused_row(transaction, kKekTable, &Kek::private_commit, one.id));
      if (!kek) continue;
      kek->private_commit = now;
      TRY(transaction.put(kKekTable, kek->to_row()));
    }
    if (++told > kRecordsOfOneTable) continue;
    note(transaction, context_,
         {.type = AuditType::kDataSynchronization,
          .action = "peer.took-row",
          .actor = the_peer(),
          .fields = {{"table", one.table}, {"key", shown(one.id)}}});
  }
  return {};
}

}  // namespace tapewarden::keymgr

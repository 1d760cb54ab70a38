#include "keymgr/custody/backup/new_epoch.h"

#include <algorithm>
#include <set>

#include "audit/record.h"
#include "base/text.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/rows.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::size_t kTimes = 5;  // created, activated, deactivated, compromised, destroyed
constexpr std::size_t kKeysPerCommit = 2000;
// Numbers of an epoch begin here: far behind what the epoch before can have used up.
constexpr int kEpochShift = 40;

// Where a table of keys keeps its state, its five times and its secret; nothing for other tables.
struct KeyPlaces {
  std::size_t state;
  std::size_t times;
  std::size_t secret;
};
std::optional<KeyPlaces> places_of(const store::TableSpec& table) {
  if (table.name == kDataKeyTable.name) return KeyPlaces{3, 9, kDataKeySecretColumn};
  if (table.name == kKekTable.name) return KeyPlaces{6, 7, kKekPrivateColumn};
  return std::nullopt;
}

const std::int64_t* number(const store::SnapshotRow& row, std::size_t column) {
  return column < row.row.size() ? std::get_if<std::int64_t>(&row.row[column]) : nullptr;
}
const Bytes* id_of(const store::SnapshotRow& row) {
  return row.row.empty() ? nullptr : std::get_if<Bytes>(&row.row[0]);
}

}  // namespace

void Tombstones::note(const store::TableSpec& table, const store::SnapshotRow& row) {
  const auto places = places_of(table);
  const Bytes* id = id_of(row);
  if (!places || id == nullptr || row.erased) return;
  const std::int64_t* state = number(row, places->state);
  if (state == nullptr || *state < static_cast<std::int64_t>(KeyState::kCompromised)) return;
  Noted& noted = rows_[{table.name == kDataKeyTable.name ? kDataKeyTable.name : kKekTable.name, *id}];
  if (*state <= noted.state) return;
  noted.state = *state;
  noted.times.clear();
  for (std::size_t i = 0; i < kTimes; ++i) {
    const std::int64_t* time = number(row, places->times + i);
    noted.times.push_back(time == nullptr ? 0 : *time);
  }
}

bool Tombstones::apply(const store::TableSpec& table, store::SnapshotRow& row,
                       std::vector<crypto::SecretBytes>& secrets) const {
  const auto places = places_of(table);
  const Bytes* id = id_of(row);
  if (rows_.empty() || !places || id == nullptr || row.erased) return false;
  const auto noted = rows_.find({table.name, *id});
  const std::int64_t* state = number(row, places->state);
  if (noted == rows_.end() || state == nullptr || *state >= noted->second.state) return false;
  if (places->times + kTimes > row.row.size() || secrets.size() <= places->secret) return false;
  row.row[places->state] = noted->second.state;
  for (std::size_t i = 0; i < kTimes; ++i) row.row[places->times + i] = noted->second.times[i];
  if (is_tombstone(static_cast<KeyState>(noted->second.state))) {
    secrets[places->secret] = {};
    row.row[places->secret] = Bytes();
  }
  ++row.version;
  return true;
}

namespace {

// Looks for tombstones and stores nothing.
class TombstoneVisitor final : public ContentVisitor {
 public:
  TombstoneVisitor(const std::vector<const store::TableSpec*>& tables, Tombstones& out)
      : tables_(tables), out_(out) {}
  Status site_file(SiteFile) override { return {}; }
  Result<const store::TableSpec*> begin_table(const std::string& name,
                                              const std::vector<std::string>& columns) override {
    const auto found = std::ranges::find(tables_, name, &store::TableSpec::name);
    if (found == tables_.end() || columns.size() > (*found)->columns.size()) {
      return fail(ErrorCode::kUnsupported, "the table is not known here: " + escape_unprintable(name),
                  "table", "use the program that wrote it, or a newer one");
    }
    return spec_ = *found;
  }
  Status row(const ClearRow& row) override {
    out_.note(*spec_, row.row);
    return {};
  }
  Status end_table(const std::string&, const store::TableTotals&) override { return {}; }

 private:
  const std::vector<const store::TableSpec*>& tables_;
  Tombstones& out_;
  const store::TableSpec* spec_ = nullptr;
};

Status read_tombstones_of(Env env, const RestoreOptions& options, const std::string& path, Tombstones& out) {
  const auto reader = TRY(FileReader::open(*env.disk, path));
  if (reader->header().kind != FileKind::kKeystore) return {};
  TRY(reader->check_signature());
  TRY(options.trust.check(TRY(reader->signer())));
  const auto key = options.opener->open(reader->header());
  if (!key) return in_context(path, key.error());
  TRY(reader->unlock(*key));
  TombstoneVisitor visitor(options.tables, out);
  TRY(read_content(*reader, visitor));
  return {};
}

}  // namespace

namespace {

bool is_newer(const FileHeader& header, const FileHeader& than) {
  return header.kind == FileKind::kKeystore && header.server == than.server &&
         std::pair(header.epoch, header.to.sequence) > std::pair(than.epoch, than.to.sequence);
}

bool holds(const Chain& chain, const std::string& path) {
  return std::ranges::any_of(chain.files, [&](const FoundFile& file) { return file.path == path; });
}

}  // namespace

Result<Tombstones> read_tombstones(Env env, const RestoreOptions& options, const Chain& chain,
                                   std::vector<std::string>& warnings) {
  Tombstones out;
  for (const std::string& name : options.tombstones) {
    const auto folder = env.disk->list(name);
    if (!folder) {
      TRY(read_tombstones_of(env, options, name, out));
      continue;
    }
    for (const FoundFile& file : TRY(look_into(*env.disk, name)).files) {
      if (!holds(chain, file.path)) TRY(read_tombstones_of(env, options, file.path, out));
    }
  }
  if (options.file.empty()) return out;
  for (const FoundFile& file : TRY(look_into(*env.disk, parent_directory(options.file))).files) {
    if (holds(chain, file.path) || !is_newer(file.header, chain.newest())) continue;
    const Status read = read_tombstones_of(env, options, file.path, out);
    if (!read) {
      warnings.push_back("what a newer backup says of destroyed keys could not be read: " +
                         read.error().text());
    }
  }
  return out;
}

namespace {

class EpochBeginner {
 public:
  EpochBeginner(Env env, store::Keystore& keystore, const FileHeader& newest, const Replayed& replayed)
      : env_(env), keystore_(keystore), newest_(newest), replayed_(replayed) {
    id_ = to_bytes(newest.server.view());
  }

  Result<NewEpoch> begin() {
    TRY(keystore_.write([&](store::Transaction& t) { return first_commit(t); }));
    TRY(find_groups());
    std::uint64_t done = 1;
    while (done > 0) {
      done = 0;
      TRY(keystore_.write([&](store::Transaction& t) -> Status {
        done = TRY(deactivate_some(t));
        return {};
      }));
      out_.made_read_only += done;
    }
    TRY(keystore_.write([&](store::Transaction& t) -> Status {
      audit::Record record(audit::EventType::kResourceManagement, audit::Outcome::kSuccess,
                           "restore.read-only");
      record.actor("system").set("keys", static_cast<std::int64_t>(out_.made_read_only));
      record.set("reason", "use-once keys that the old server may have used after the backup");
      t.record(record.json());
      return {};
    }));
    return out_;
  }

 private:
  // The server's new epoch, and counters that cannot meet the old ones.
  Status first_commit(store::Transaction& t) {
    const auto row = TRY(t.get(kServerTable, {id_}));
    if (!row) return fail(ErrorCode::kCorrupt, "the server's own row is not in its backup", "server");
    ServerRow server = ServerRow::from_row(*row);
    ++server.epoch;
    out_.epoch = static_cast<std::uint64_t>(server.epoch);
    std::array<std::uint8_t, 4> installation;
    env_.random->fill(installation);
    server.installation = TRY(ByteReader(installation).u32("installation"));
    TRY(t.put(kServerTable, server.to_row()));
    const std::int64_t floor = std::min<std::int64_t>(server.epoch, 1 << 20) << kEpochShift;
    for (const std::string name : {"ledger"}) {
      const auto counter = TRY(t.get(kLocalCounterTable, {name}));
      const std::int64_t now = counter ? store::integer(*counter, 1) : 0;
      TRY(t.put(kLocalCounterTable, {name, std::max(now, floor)}));
    }
    for (const auto& cursor_row : TRY(t.query(kGroupCursorTable, "server = ?", {id_}))) {
      GroupCursor cursor = GroupCursor::from_row(cursor_row);
      cursor.next_position = std::max(cursor.next_position, floor);
      TRY(t.put(kGroupCursorTable, cursor.to_row()));
    }
    record_restore(t);
    return {};
  }

  void record_restore(store::Transaction& t) const {
    audit::Record record(audit::EventType::kResourceManagement, audit::Outcome::kSuccess, "restore");
    record.actor("system").set("server", newest_.server.text());
    record.set("backup", file_name(newest_));
    record.set("made", format_utc(newest_.created));
    record.set("old_epoch", static_cast<std::int64_t>(newest_.epoch));
    record.set("new_epoch", static_cast<std::int64_t>(out_.epoch));
    record.set("old_commit", static_cast<std::int64_t>(replayed_.mark.sequence));
    record.set("old_head", to_hex(replayed_.mark.head));
    record.set("signer", to_hex(replayed_.signer.fingerprint()));
    record.set("rows", static_cast<std::int64_t>(replayed_.rows));
    t.record(record.json());
  }

  Status find_groups() {
    return keystore_.read([&](store::Reader& reader) -> Status {
      for (const auto& row : TRY(reader.query(kKeyGroupTable, "1", {}))) {
        KeyGroup group = KeyGroup::from_row(row);
        if (group.policy == GroupPolicy::kUseOnce) groups_.push_back(std::move(group.name));
      }
      return {};
    });
  }

  Result<std::uint64_t> deactivate_some(store::Transaction& t) const {
    for (const std::string& group : groups_) {
      const auto rows = TRY(t.query(
          kDataKeyTable, "group_name = ? AND owner = ? AND uses = 0 AND state <= ? ORDER BY position LIMIT ?",
          {group, id_, static_cast<std::int64_t>(KeyState::kActive),
           static_cast<std::int64_t>(kKeysPerCommit)}));
      if (rows.empty()) continue;
      for (const auto& row : rows) TRY(deactivate(t, DataKey::from_row(row)));
      TRY(spend(t, group, static_cast<std::int64_t>(rows.size())));
      return rows.size();
    }
    return std::uint64_t{0};
  }

  Status deactivate(store::Transaction& t, DataKey key) const {
    key.state = KeyState::kDeactivated;
    mark(key.times, key.state, env_.clock->wall_now());
    return t.put(kDataKeyTable, key.to_row());
  }

  // As KeyGroups::account() would.
  Status spend(store::Transaction& t, const std::string& group, std::int64_t count) const {
    const auto row = TRY(t.get(kGroupCursorTable, {group, id_}));
    if (!row) return {};
    GroupCursor cursor = GroupCursor::from_row(*row);
    cursor.used = std::min(cursor.total, cursor.used + count);
    return t.put(kGroupCursorTable, cursor.to_row());
  }

  const Env env_;
  store::Keystore& keystore_;
  const FileHeader& newest_;
  const Replayed& replayed_;
  store::Value id_;
  std::vector<std::string> groups_;
  NewEpoch out_;
};

}  // namespace

Result<NewEpoch> begin_new_epoch(Env env, store::Keystore& keystore, const FileHeader& newest,
                                 const Replayed& replayed) {
  return EpochBeginner(env, keystore, newest, replayed).begin();
}

}  // namespace tapewarden::keymgr::backup

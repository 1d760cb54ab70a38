#include "keymgr/custody/backup/new_epoch.h"

#include <algorithm>

#include "audit/record.h"
#include "base/text.h"
#include "keymgr/custody/backup/restore.h"
#include "keymgr/epoch.h"
#include "keymgr/key_manager.h"
#include "keymgr/rows.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::size_t kTimes = 5;  // created, activated, deactivated, compromised, destroyed

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

// This server's use-once keys that the backup calls unused.
Result<std::uint64_t> count_unused(store::Reader& reader, const Uuid& server) {
  std::uint64_t count = 0;
  for (const auto& row : TRY(reader.query(kKeyGroupTable, "1", {}))) {
    const KeyGroup group = KeyGroup::from_row(row);
    if (group.policy != GroupPolicy::kUseOnce) continue;
    count += static_cast<std::uint64_t>(TRY(reader.aggregate(
        kDataKeyTable, "count(*)", "group_name = ? AND owner = ? AND uses = 0 AND state <= ?",
        {group.name, to_bytes(server.view()), static_cast<std::int64_t>(KeyState::kActive)})));
  }
  return count;
}

std::string restore_record(const FileHeader& newest, const Replayed& replayed, const NewEpoch& begun) {
  audit::Record record(audit::EventType::kResourceManagement, audit::Outcome::kSuccess, "restore");
  record.actor("system").set("server", newest.server.text());
  record.set("backup", file_name(newest));
  record.set("made", format_utc(newest.created));
  record.set("old_epoch", static_cast<std::int64_t>(newest.epoch));
  record.set("new_epoch", static_cast<std::int64_t>(begun.epoch));
  record.set("old_commit", static_cast<std::int64_t>(replayed.mark.sequence));
  record.set("old_head", to_hex(replayed.mark.head));
  record.set("signer", to_hex(replayed.signer.fingerprint()));
  record.set("rows", static_cast<std::int64_t>(replayed.rows));
  record.set("made_read_only", static_cast<std::int64_t>(begun.made_read_only));
  return record.json();
}

}  // namespace

Result<NewEpoch> begin_new_epoch(Env env, store::Keystore& keystore, const FileHeader& newest,
                                 const Replayed& replayed) {
  NewEpoch out;
  const auto manager = TRY(KeyManager::open(env, keystore, newest.server, {}));
  TRY(keystore.read([&](store::Reader& reader) -> Status {
    out.made_read_only = TRY(count_unused(reader, newest.server));
    return {};
  }));
  TRY(manager->begin_epoch(Actor::system()));
  TRY(keystore.read([&](store::Reader& reader) -> Status {
    out.epoch = static_cast<std::uint64_t>(TRY(own_epoch(reader)));
    return {};
  }));
  TRY(keystore.write([&](store::Transaction& transaction) -> Status {
    transaction.record(restore_record(newest, replayed, out));
    return {};
  }));
  return out;
}

}  // namespace tapewarden::keymgr::backup

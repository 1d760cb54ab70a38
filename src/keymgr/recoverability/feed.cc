#include "keymgr/recoverability/feed.h"

#include <algorithm>
#include <set>

#include "keymgr/peer_changes.h"
#include "keymgr/serve_policy.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::recoverability {
namespace {

Result<std::int64_t> newest_commit(store::Reader& reader, const store::TableSpec& table) {
  return reader.aggregate(table, "MAX(row_commit)", "1", {});
}

// kNeverHeld says that the peer refused the row; since when it is here, its last change tells.
Result<KeyFacts> facts_of(store::Reader& reader, const DataKey& key) {
  KeyFacts out{key.id, key.dki.folded(), key.fingerprint, key.created_commit, false, is_tombstone(key.state)};
  out.refused_by_peer = key.created_commit == kNeverHeld;
  if (key.created_commit == 0 || out.refused_by_peer) {
    out.since = TRY(reader.aggregate(kDataKeyTable, "MAX(row_commit)", "id = ?", {to_bytes(key.id.view())}));
  }
  return out;
}

Result<KekFacts> facts_of(store::Reader& reader, const Kek& kek) {
  KekFacts out{kek.id, kek.has_private, kek.private_commit, false, is_tombstone(kek.state)};
  out.refused_by_peer = kek.private_commit == kNeverHeld;
  if (kek.private_commit == 0 || out.refused_by_peer) {
    out.since = TRY(reader.aggregate(kKekTable, "MAX(row_commit)", "id = ?", {to_bytes(ByteView(kek.id))}));
  }
  return out;
}

Result<CartridgeFacts> facts_of(store::Reader& reader, std::vector<LedgerEntry> rows) {
  return recoverability::facts_of(std::move(rows), [&](const LedgerEntry& row) {
    return reader.aggregate(kLedgerTable, "MAX(row_commit)", "server = ? AND sequence = ?",
                            {to_bytes(row.server.view()), row.sequence});
  });
}

// As query(); where that meets damage, the rows around it.
Result<std::vector<store::Row>> sound_rows(store::Reader& reader, const store::TableSpec& table,
                                           std::string_view where,
                                           std::initializer_list<store::Value> parameters,
                                           std::vector<store::DamagedRow>& damaged) {
  auto rows = reader.query(table, where, parameters);
  if (rows || rows.error().code != ErrorCode::kCorrupt) return rows;
  return reader.query_sound(table, where, parameters, damaged);
}

// The newest of a cartridge's rows, as many as tell something. A nil volume: by volser.
Result<std::vector<LedgerEntry>> newest_rows(store::Reader& reader, const Uuid& volume,
                                             const std::string& volser,
                                             std::vector<store::DamagedRow>& damaged) {
  const auto most = static_cast<std::int64_t>(kRowsOfOneCartridge);
  const Bytes id = to_bytes(volume.view());
  const auto rows =
      volume.is_nil()
          ? TRY(sound_rows(reader, kLedgerTable, "volser = ? AND +volume = ? ORDER BY issued DESC LIMIT ?",
                           {volser, id, most}, damaged))
          : TRY(sound_rows(reader, kLedgerTable, "volume = ? ORDER BY issued DESC LIMIT ?", {id, most},
                           damaged));
  std::vector<LedgerEntry> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(LedgerEntry::from_row(row));
  return out;
}

void pass_over(const std::vector<store::DamagedRow>& damaged, const std::string& what, Feed::Batch& out) {
  for (const auto& row : damaged) out.damaged.push_back(what + " " + row.print);
}

bool same_cartridge(const LedgerEntry& a, const LedgerEntry& b) {
  return a.volume == b.volume && (!a.volume.is_nil() || a.volser == b.volser);
}

}  // namespace

// What is committed while the tables are read from their beginning is read again afterwards.
Status Feed::begin(store::Reader& reader) {
  state_.keys_through = TRY(newest_commit(reader, kDataKeyTable));
  state_.ledger_through = TRY(newest_commit(reader, kLedgerTable));
  state_.phase = Phase::kKeys;
  state_.after.clear();
  state_.after_volser.clear();
  state_.rows = kRowsAStep;
  state_.begun = true;
  return {};
}

Status Feed::read_keys(store::Reader& reader, Batch& out) {
  std::vector<store::DamagedRow> damaged;
  const auto rows = TRY(sound_rows(reader, kDataKeyTable, "id > ? ORDER BY id LIMIT ?",
                                   {state_.after, static_cast<std::int64_t>(kRowsAStep)}, damaged));
  for (const auto& row : rows) out.keys.push_back(TRY(facts_of(reader, DataKey::from_row(row))));
  if (rows.size() + damaged.size() < kRowsAStep) {
    state_.after.clear();
    state_.phase = Phase::kVolumes;
  } else {
    if (!out.keys.empty()) state_.after = to_bytes(out.keys.back().id.view());
    for (const auto& row : damaged) {
      if (const auto* id = std::get_if<Bytes>(&row.key.front())) state_.after = std::max(state_.after, *id);
    }
  }
  pass_over(damaged, "data key", out);
  return {};
}

// Few, and kept in memory by the keystore.
Status Feed::read_keks(store::Reader& reader, Batch& out) {
  const std::int64_t newest = TRY(newest_commit(reader, kKekTable));
  if (newest == state_.keks_through) return {};
  std::vector<store::DamagedRow> damaged;
  for (const auto& row : TRY(sound_rows(reader, kKekTable, "1", {}, damaged))) {
    out.keks.push_back(TRY(facts_of(reader, Kek::from_row(row))));
  }
  pass_over(damaged, "KEK", out);
  state_.keks_through = newest;
  return {};
}

// A page ends within a cartridge as a rule: the next begins with that cartridge again.
Status Feed::read_cartridges(store::Reader& reader, Batch& out, bool by_volume) {
  const auto limit = static_cast<std::int64_t>(state_.rows);
  const Bytes nil(16, 0);
  std::vector<store::DamagedRow> damaged;
  const auto rows =
      by_volume ? TRY(sound_rows(reader, kLedgerTable, "volume >= ? AND volume > ? ORDER BY volume LIMIT ?",
                                 {state_.after, nil, limit}, damaged))
                : TRY(sound_rows(reader, kLedgerTable, "volser >= ? AND +volume = ? ORDER BY volser LIMIT ?",
                                 {state_.after_volser, nil, limit}, damaged));
  const bool last = rows.size() + damaged.size() < state_.rows;
  std::vector<LedgerEntry> entries;
  entries.reserve(rows.size());
  for (const auto& row : rows) entries.push_back(LedgerEntry::from_row(row));
  if (!last && (entries.empty() || same_cartridge(entries.front(), entries.back()))) {
    if (state_.rows < kRowsOfOneCartridge) {
      state_.rows *= 2;
      return {};
    }
    if (entries.empty()) {
      return fail(ErrorCode::kCorrupt, "thousands of rows of the ledger one after the other are damaged", {},
                  "stop the server and see what `tapewarden-keyd` says at its start");
    }
    entries = TRY(newest_rows(reader, entries.front().volume, entries.front().volser, damaged));
  }
  pass_over(damaged, "row of the ledger", out);
  for (auto at = entries.begin(); at != entries.end();) {
    const auto end =
        std::find_if(at, entries.end(), [&](const auto& row) { return !same_cartridge(*at, row); });
    if (end == entries.end() && !last && at != entries.begin()) break;
    out.cartridges.push_back(TRY(facts_of(reader, std::vector<LedgerEntry>(at, end))));
    at = end;
  }
  state_.rows = kRowsAStep;
  if (!last) {
    state_.after = to_bytes(entries.back().volume.view());
    state_.after_volser = entries.back().volser;
    if (same_cartridge(entries.front(), entries.back())) {  // the first that comes after it
      state_.after.push_back(0);
      state_.after_volser += '\x01';
    }
    return {};
  }
  state_.after.clear();
  state_.after_volser.clear();
  if (!by_volume) state_.complete = true;
  state_.phase = by_volume ? Phase::kVolsers : Phase::kFollowing;
  return {};
}

Result<bool> Feed::too_many(store::Reader& reader) const {
  for (const auto& [table, through] :
       {std::pair{&kDataKeyTable, state_.keys_through}, std::pair{&kLedgerTable, state_.ledger_through}}) {
    if (TRY(reader.aggregate(*table, "COUNT(*)", "row_commit > ?", {through})) > kChangesReadOneByOne) {
      return true;
    }
  }
  return false;
}

Status Feed::follow_keys(store::Reader& reader, Batch& out, std::int64_t until) {
  std::vector<store::DamagedRow> damaged;
  for (const auto& row : TRY(sound_rows(reader, kDataKeyTable, "row_commit > ? AND row_commit <= ?",
                                        {state_.keys_through, until}, damaged))) {
    out.keys.push_back(TRY(facts_of(reader, DataKey::from_row(row))));
  }
  pass_over(damaged, "data key", out);
  state_.keys_through = until;
  return {};
}

// A row that was changed changes what its cartridge needs: that is read anew.
Status Feed::follow_ledger(store::Reader& reader, Batch& out, std::int64_t until) {
  std::set<std::pair<Uuid, std::string>> changed;
  std::vector<store::DamagedRow> damaged;
  for (const auto& row : TRY(sound_rows(reader, kLedgerTable, "row_commit > ? AND row_commit <= ?",
                                        {state_.ledger_through, until}, damaged))) {
    const auto entry = LedgerEntry::from_row(row);
    changed.emplace(entry.volume, entry.volume.is_nil() ? entry.volser : std::string());
  }
  for (const auto& [volume, volser] : changed) {
    auto entries = TRY(newest_rows(reader, volume, volser, damaged));
    if (!entries.empty()) out.cartridges.push_back(TRY(facts_of(reader, std::move(entries))));
  }
  pass_over(damaged, "row of the ledger", out);
  state_.ledger_through = until;
  return {};
}

Result<bool> Feed::follow(store::Reader& reader, Batch& out) {
  const std::int64_t keys = TRY(newest_commit(reader, kDataKeyTable));
  const std::int64_t ledger = TRY(newest_commit(reader, kLedgerTable));
  TRY(read_keks(reader, out));
  if (keys == state_.keys_through && ledger == state_.ledger_through) return !out.keks.empty();
  if (TRY(too_many(reader))) {
    TRY(begin(reader));
    return true;
  }
  TRY(follow_keys(reader, out, keys));
  TRY(follow_ledger(reader, out, ledger));
  return true;
}

Result<std::optional<Feed::Batch>> Feed::step() {
  State before = state_;
  Batch out;
  bool more = true;
  const Status read = manager_.keystore().read([&](store::Reader& reader) -> Status {
    if (!state_.begun) TRY(begin(reader));
    switch (state_.phase) {
      case Phase::kKeys:
        TRY(read_keks(reader, out));
        return read_keys(reader, out);
      case Phase::kVolumes:
        return read_cartridges(reader, out, true);
      case Phase::kVolsers:
        return read_cartridges(reader, out, false);
      case Phase::kFollowing:
        more = TRY(follow(reader, out));
        return {};
    }
    return {};
  });
  if (!read) {
    state_ = std::move(before);
    return std::unexpected(read.error());
  }
  if (!more) return std::optional<Batch>();
  return std::optional(std::move(out));
}

}  // namespace tapewarden::keymgr::recoverability

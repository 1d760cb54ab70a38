// The part of KeyManager that lives with other servers: what depends on rows that came from one, and taking
// over from one that is lost.
#include <set>

#include "keymgr/audit_note.h"
#include "keymgr/epoch.h"
#include "keymgr/key_manager.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

namespace {

constexpr std::size_t kKeysTakenAtOnce = 256;

// What the rows of one message may have changed for this server.
struct Touched {
  std::set<std::string> cursors;  // groups whose cursor of this server came
  bool self = false;              // this server's row of the server table
  std::optional<ServerRow> own;   // as it was before
};

// What it is called, and which copy of itself it is, a server alone says. The other one tells what it saw
// last, perhaps of a copy that is lost. Its row is not refused: it may bring a raised epoch.
Status stay_oneself(store::Transaction& transaction, const ServerRow& before) {
  ServerRow now = ServerRow::from_row(*TRY(transaction.get(kServerTable, {to_bytes(before.id.view())})));
  if (now.installation == before.installation && now.name == before.name) return {};
  now.installation = before.installation;
  now.name = before.name;
  return transaction.put(kServerTable, now.to_row());
}

}  // namespace

Status KeyManager::take_in(store::Transaction& transaction, const store::ApplyReport& report) {
  TRY(note_peer_changes(transaction, context_, report));
  Touched touched;
  for (const auto& changed : report.changed) {
    if (changed.table == kDataKeyTable.name) {
      const auto row = TRY(transaction.get(kDataKeyTable, changed.key));
      std::optional<DataKey> before;
      if (changed.before) before = DataKey::from_row(*changed.before);
      TRY(KeyGroups::account(transaction, context_, before,
                             row ? std::optional(DataKey::from_row(*row)) : std::nullopt));
    } else if (changed.table == kGroupCursorTable.name) {
      const auto row = TRY(transaction.get(kGroupCursorTable, changed.key));
      if (row && GroupCursor::from_row(*row).server == context_.server) {
        touched.cursors.insert(GroupCursor::from_row(*row).group);
      }
    } else if (changed.table == kServerTable.name) {
      if (!equal(store::blob(changed.key, 0), context_.server.view())) continue;
      if (!touched.self && changed.before) touched.own = ServerRow::from_row(*changed.before);
      touched.self = true;
    }
  }
  TRY(obey_tombstones(transaction, report));
  for (const auto& group : touched.cursors) TRY(KeyGroups::recount(transaction, context_, group));
  if (touched.own) TRY(stay_oneself(transaction, *touched.own));
  if (touched.self) TRY(obey_epoch(transaction, context_));
  return conflicts_.record(transaction, report.conflicts);
}

Result<std::size_t> KeyManager::promote(const Actor& actor, const Uuid& server) {
  TRY(keystore_.write(
      [&](store::Transaction& t) -> Status { return raise_epoch(t, context_, actor, server); }));
  std::size_t taken = 0;
  while (true) {
    std::size_t now = 0;
    TRY(keystore_.write([&](store::Transaction& t) -> Status {
      now = TRY(groups_.take_over(t, server, kKeysTakenAtOnce));
      return {};
    }));
    if (now == 0) break;
    taken += now;
  }
  if (groups_changed_) groups_changed_();
  return taken;
}

Status KeyManager::begin_epoch(const Actor& actor) {
  TRY(keystore_.write(
      [&](store::Transaction& t) -> Status { return keymgr::begin_epoch(t, context_, actor); }));
  return keystore_.read([&](store::Reader& reader) -> Status {
    context_.installation = TRY(own_incarnation(reader, context_.server)).installation;
    return {};
  });
}

Result<Page<ConflictRow>> KeyManager::list_conflicts(bool acknowledged, const PageRequest& page) {
  Page<ConflictRow> out;
  TRY(keystore_.read([&](store::Reader& reader) -> Status {
    out = TRY(conflicts_.list(reader, acknowledged, page));
    return {};
  }));
  return out;
}

Result<ConflictRow> KeyManager::acknowledge_conflict(const Actor& actor, const Uuid& id) {
  ConflictRow out;
  TRY(keystore_.write([&](store::Transaction& t) -> Status {
    out = TRY(conflicts_.acknowledge(t, actor, id));
    return {};
  }));
  return out;
}

}  // namespace tapewarden::keymgr

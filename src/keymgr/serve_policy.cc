#include "keymgr/serve_policy.h"

#include <algorithm>

#include "eedk/ekm_code.h"
#include "keymgr/epoch.h"
#include "keymgr/peer_changes.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

using eedk::EkmCode;
using eedk::fail_ekm;

namespace {

constexpr std::string_view kPrivateMarkSql =
    "(CASE WHEN private_commit BETWEEN 1 AND 9223372036854775806 THEN private_commit ELSE row_commit END)";
constexpr std::string_view kWaitingKeks =
    "has_private <> 0 AND state IN (1, 2) AND COALESCE(quarantined, 0) = 0 AND "
    "(CASE WHEN private_commit BETWEEN 1 AND 9223372036854775806 THEN private_commit ELSE row_commit END) > "
    "?";

}  // namespace

std::string_view to_string(ServePolicy policy) {
  switch (policy) {
    case ServePolicy::kAtOnce:
      return "at-once";
    case ServePolicy::kAfterReplica:
      return "after-replica";
    case ServePolicy::kAfterBackup:
      return "after-backup";
  }
  return "after-backup";
}

Result<ServeRule> serve_rule(store::Reader& reader, const ServerContext& context, const Settings& settings) {
  const std::string value = TRY(settings.get(reader, kServe));
  for (const auto policy : {ServePolicy::kAtOnce, ServePolicy::kAfterReplica, ServePolicy::kAfterBackup}) {
    if (value == to_string(policy)) return ServeRule{policy, true};
  }
  if (context.backups != nullptr && context.backups->has_counted_target()) {
    return ServeRule{ServePolicy::kAfterBackup, false};
  }
  return ServeRule{context.peer->configured() ? ServePolicy::kAfterReplica : ServePolicy::kAtOnce, false};
}

Result<WriteGate> write_gate(store::Reader& reader, const ServerContext& context, const Settings& settings) {
  const ServeRule rule = TRY(serve_rule(reader, context, settings));
  WriteGate gate;
  if (rule.policy == ServePolicy::kAfterBackup) {
    gate.backup =
        context.backups == nullptr ? 0 : static_cast<std::int64_t>(context.backups->backed_up_commit(false));
  }
  if (rule.policy == ServePolicy::kAtOnce) {
    gate.replica = context.peer->rolled_back() ? WriteGate::kShut : WriteGate::kOpen;
    return gate;
  }
  const bool alone = TRY(settings.serve_without_peer(reader));
  // Who asks for replicas where there is no peer is taken at his word.
  const bool no_replica = rule.policy == ServePolicy::kAfterReplica && !context.peer->configured() && !alone;
  gate.replica = no_replica ? WriteGate::kShut : writable_commit(*context.peer, alone);
  return gate;
}

Result<std::int64_t> backup_mark(store::Reader& reader, const DataKey& key) {
  if (key.created_commit > 0 && key.created_commit != kNeverHeld) return key.created_commit;
  return reader.aggregate(kDataKeyTable, "MAX(row_commit)", "id = ?", {to_bytes(key.id.view())});
}

Result<std::int64_t> backup_mark(store::Reader& reader, const Kek& kek) {
  if (kek.private_commit > 0 && kek.private_commit != kNeverHeld) return kek.private_commit;
  return reader.aggregate(kKekTable, "MAX(row_commit)", "id = ?", {to_bytes(ByteView(kek.id))});
}

// Of the groups the last position alone is looked at: what is new stands there.
Result<std::int64_t> newest_waiting(store::Reader& reader, const ServerContext& context,
                                    const Settings& settings) {
  const WriteGate gate = TRY(write_gate(reader, context, settings));
  if (gate.backup == WriteGate::kOpen) return std::int64_t{0};
  const Bytes self = to_bytes(context.server.view());
  std::int64_t newest = TRY(reader.aggregate(kKekTable, "MAX(" + std::string(kPrivateMarkSql) + ")",
                                             "has_private <> 0 AND state IN (1, 2)", {}));
  newest = std::max(newest, TRY(reader.aggregate(kDataKeyTable, "MAX(" + std::string(kBackupMarkSql) + ")",
                                                 "group_name = '' AND owner = ? AND uses = 0", {self})));
  for (const auto& group : TRY(reader.query(kKeyGroupTable, "1", {}))) {
    const auto last =
        TRY(reader.query(kDataKeyTable, "group_name = ? AND owner = ? ORDER BY position DESC LIMIT 1",
                         {KeyGroup::from_row(group).name, self}));
    if (last.empty()) continue;
    const auto key = DataKey::from_row(last.front());
    if (key.uses == 0) newest = std::max(newest, TRY(backup_mark(reader, key)));
  }
  return newest > gate.backup ? newest : 0;
}

namespace {

// Only what lies beyond the cursor is looked at: the keys behind it may be a hundred times as many.
Result<WaitingKeys> count_keys(store::Reader& reader, const ServerContext& context, std::int64_t backed_up,
                               const std::string& group, std::int64_t after) {
  const std::string where =
      "group_name = ? AND owner = ? AND position > ? AND uses = 0 AND state IN (1, 2) AND "
      "COALESCE(quarantined, 0) = 0 AND " +
      std::string(kBackupMarkSql) + " > ?";
  const std::initializer_list<store::Value> parameters = {group, to_bytes(context.server.view()), after,
                                                          backed_up};
  WaitingKeys out;
  out.keys = TRY(reader.aggregate(kDataKeyTable, "COUNT(*)", where, parameters));
  if (out.keys == 0) return out;
  out.since = from_millis(TRY(reader.aggregate(kDataKeyTable, "MIN(created)", where, parameters)));
  return out;
}

Result<WaitingKeys> count_in(store::Reader& reader, const ServerContext& context, std::int64_t backed_up,
                             const KeyGroup& group) {
  std::int64_t after = -1;
  if (group.policy == GroupPolicy::kUseOnce) {
    const auto row = TRY(reader.get(kGroupCursorTable, {group.name, to_bytes(context.server.view())}));
    if (row) after = GroupCursor::from_row(*row).position;
  }
  return count_keys(reader, context, backed_up, group.name, after);
}

}  // namespace

Result<WaitingKeys> count_waiting(store::Reader& reader, const ServerContext& context,
                                  const Settings& settings, const KeyGroup& group) {
  const WriteGate gate = TRY(write_gate(reader, context, settings));
  if (gate.backup == WriteGate::kOpen) return WaitingKeys();
  return count_in(reader, context, gate.backup, group);
}

Result<WaitingKeys> count_waiting(store::Reader& reader, const ServerContext& context,
                                  const Settings& settings) {
  const WriteGate gate = TRY(write_gate(reader, context, settings));
  if (gate.backup == WriteGate::kOpen) return WaitingKeys();
  WaitingKeys out = TRY(count_keys(reader, context, gate.backup, "", -1));
  for (const auto& row : TRY(reader.query(kKeyGroupTable, "1", {}))) {
    const auto more = TRY(count_in(reader, context, gate.backup, KeyGroup::from_row(row)));
    out.keys += more.keys;
    out.since = earliest(out.since, more.since);
  }
  out.keks = TRY(reader.aggregate(kKekTable, "COUNT(*)", kWaitingKeks, {gate.backup}));
  return out;
}

std::unexpected<Error> wait_for_backup(const ServerContext& context, std::int64_t mark,
                                       const std::string& what, std::string field) {
  if (context.backups != nullptr)
    context.backups->want(static_cast<std::uint64_t>(std::max<std::int64_t>(mark, 1)));
  const bool hopeless = context.backups == nullptr || !context.backups->has_counted_target();
  return fail_ekm(ErrorCode::kUnavailable, EkmCode::kWaitingForBackup,
                  what + " is in no backup yet" +
                      (hopeless ? ", and there is no backup target that counts" : ": the write waits for it"),
                  std::move(field),
                  hopeless ? "add a backup target on another disk or machine, or set keys.serve to something "
                             "else than after-backup"
                           : "");
}

bool is_waiting(const Error& error) {
  return eedk::ekm_code_of(error) == EkmCode::kWaitingForBackup;
}

std::unexpected<Error> refuse_without_peer(const ServerContext& context, std::string what,
                                           std::string field) {
  const bool none = !context.peer->configured() && !context.peer->rolled_back();
  return fail_ekm(
      ErrorCode::kExhausted, EkmCode::kNoKeyToServe, std::move(what), std::move(field),
      none ? "keys.serve is after-replica and no peer is configured: set the peer up, or set keys.serve to "
             "something else"
           : "bring the peer back; or `tapewarden setting set peer.exhausted serve`, knowing that the peer "
             "lacks such "
             "keys; or take the [peer] of a server that is gone for good out of keyd.toml");
}

}  // namespace tapewarden::keymgr

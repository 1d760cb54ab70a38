#include "keymgr/key_groups.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "keymgr/audit_note.h"
#include "keymgr/epoch.h"
#include "keymgr/group_cursor.h"
#include "keymgr/limits.h"
#include "keymgr/peer_changes.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

using eedk::EkmCode;
using eedk::fail_ekm;

Result<std::string> canonical_group(std::string_view name) {
  if (name.empty() || name.size() > kMaximumGroupNameCharacters || !is_printable(name) ||
      trim(name) != name) {
    return fail(ErrorCode::kInvalidArgument,
                "a group's name has 1 to 64 printable characters and no blanks at its ends", "group");
  }
  return to_upper(name);
}

void KeyGroups::audit(store::Transaction& transaction, const Actor& actor, std::string_view action,
                      std::vector<std::pair<std::string_view, std::string>> fields) const {
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = action,
        .actor = actor,
        .fields = std::move(fields)});
}

Result<std::optional<KeyGroup>> KeyGroups::find(store::Reader& reader, std::string_view name) const {
  const auto row = TRY(reader.get(kKeyGroupTable, {to_upper(name)}));
  if (!row) return std::optional<KeyGroup>();
  return std::optional(KeyGroup::from_row(*row));
}

Result<KeyGroup> KeyGroups::require(store::Reader& reader, std::string_view name) const {
  auto group = TRY(find(reader, name));
  if (group) return *std::move(group);
  return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                  "there is no key group \"" + escape_unprintable(name.substr(0, 64)) + "\"", "group",
                  "create the group, or name another one");
}

Result<DataKey> KeyGroups::require_key(store::Reader& reader, std::string_view alias) const {
  auto key = TRY(keys_.find(reader, alias));
  if (key) return *std::move(key);
  return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                  "there is no key with the alias \"" + escape_unprintable(alias.substr(0, 64)) + "\"",
                  "alias", "list the keys to see their aliases");
}

Result<std::string> KeyGroups::require_name(store::Reader& reader, std::string_view name) {
  const std::string folded = TRY(canonical_group(name));
  if (TRY(reader.get(kKeyGroupTable, {folded}))) return folded;
  return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                  "there is no key group \"" + folded + "\"", "group", "create the group first");
}

Result<std::optional<KeyGroup>> KeyGroups::default_group(store::Reader& reader) const {
  const auto rows = TRY(reader.query(kKeyGroupTable, "default_write <> 0 ORDER BY name LIMIT 1", {}));
  if (rows.empty()) return std::optional<KeyGroup>();
  return std::optional(KeyGroup::from_row(rows.front()));
}

Result<std::vector<KeyGroup>> KeyGroups::list(store::Reader& reader) const {
  std::vector<KeyGroup> out;
  for (const auto& row : TRY(reader.query(kKeyGroupTable, "1 ORDER BY name", {}))) {
    out.push_back(KeyGroup::from_row(row));
  }
  return out;
}

Result<GroupStatus> KeyGroups::status(store::Reader& reader, std::string_view name) const {
  GroupStatus out;
  out.group = TRY(require(reader, name));
  const GroupCursor cursor = TRY(load_cursor(reader, context_, out.group.name));
  out.total = cursor.total;
  out.used = cursor.used;
  out.remaining = cursor.total - cursor.used;
  out.used_percent = percent(cursor.used, cursor.total);
  out.waiting = TRY(count_waiting(reader, context_, settings_, out.group)).keys;
  out.unshared = TRY(count_unshared(reader, context_, settings_, out.group));
  const bool use_once = out.group.policy == GroupPolicy::kUseOnce;
  out.ready = std::max<std::int64_t>((use_once ? out.remaining : out.total) - out.unshared, 0);
  if (out.group.policy == GroupPolicy::kUseOnce && out.group.keys_ahead == 0) {
    out.exhausted_on = TRY(forecast(reader, out.group.name, out.remaining));
  }
  return out;
}

// The mean pace of the writes within the window, carried on in a straight line.
Result<std::optional<WallTime>> KeyGroups::forecast(store::Reader& reader, std::string_view group,
                                                    std::int64_t remaining) const {
  const WallTime now = context_.now();
  const std::string where = "group_name = ? AND group_name <> '' AND purpose = ? AND issued >= ?";
  const std::initializer_list<store::Value> parameters = {
      std::string(group), static_cast<std::int64_t>(Purpose::kWrite), to_millis(now - kForecastWindow)};
  const auto writes = TRY(reader.aggregate(kLedgerTable, "COUNT(*)", where, parameters));
  const auto first = TRY(reader.aggregate(kLedgerTable, "MIN(issued)", where, parameters));
  const auto span = to_millis(now) - first;
  if (writes < 2 || span <= 0) return std::optional<WallTime>();
  const double left =
      static_cast<double>(span) / static_cast<double>(writes) * static_cast<double>(remaining);
  constexpr double kCentury = 100.0 * 365.0 * 86'400'000.0;
  return std::optional(now + std::chrono::milliseconds(static_cast<std::int64_t>(std::min(left, kCentury))));
}

// The key after a position that may begin a cartridge and that the gate lets pass.
Result<std::optional<DataKey>> KeyGroups::next_key(store::Reader& reader, const KeyGroup& group,
                                                   std::int64_t after, const WriteGate& gate) const {
  const bool use_once = group.policy == GroupPolicy::kUseOnce;
  const std::string once = use_once ? " AND uses = 0 AND created_commit > 0 AND owner_epoch = " +
                                          std::to_string(TRY(own_epoch(reader)))
                                    : "";
  const auto rows =
      TRY(reader.query(kDataKeyTable,
                       "group_name = ? AND owner = ? AND position > ? AND state IN (1, 2) AND "
                       "COALESCE(quarantined, 0) = 0 AND created_commit <= ? AND " +
                           std::string(kBackupMarkSql) + " <= ?" + once + " ORDER BY position LIMIT 1",
                       {group.name, to_bytes(context_.server.view()), after, gate.replica, gate.backup}));
  if (rows.empty()) return std::optional<DataKey>();
  return std::optional(DataKey::from_row(rows.front()));
}

Result<std::optional<DataKey>> KeyGroups::find_next(store::Reader& reader, const KeyGroup& group,
                                                    const WriteGate& gate) const {
  const GroupCursor cursor = TRY(load_cursor(reader, context_, group.name));
  auto key = TRY(next_key(reader, group, cursor.position, gate));
  if (key || group.policy == GroupPolicy::kUseOnce || cursor.position == 0) return key;
  return next_key(reader, group, 0, gate);
}

// A use-once group comes back to keys that the gate held back: the cursor stays before them. That no key is
// given out twice rests on its use count then.
Result<bool> KeyGroups::passes_over(store::Reader& reader, const KeyGroup& group, const GroupCursor& cursor,
                                    const DataKey& taken) const {
  if (group.policy != GroupPolicy::kUseOnce) return false;
  const auto first = TRY(next_key(reader, group, cursor.position, WriteGate()));
  return first && first->position < taken.position;
}

Status KeyGroups::can_take(store::Reader& reader, const KeyGroup& group) const {
  const WriteGate gate = TRY(write_gate(reader, context_, settings_));
  if (TRY(find_next(reader, group, gate))) return {};
  return none_left(reader, group, gate);
}

std::unexpected<Error> KeyGroups::none_left(store::Reader& reader, const KeyGroup& group,
                                            const WriteGate& gate) const {
  WriteGate peer_alone = gate;
  peer_alone.backup = WriteGate::kOpen;
  const auto unsaved = find_next(reader, group, peer_alone);
  if (!unsaved) return std::unexpected(unsaved.error());
  if (*unsaved) {
    const auto mark = backup_mark(reader, **unsaved);
    if (!mark) return std::unexpected(mark.error());
    return wait_for_backup(context_, *mark, "the next key of the group " + group.name, "group");
  }
  const auto any = find_next(reader, group, WriteGate());
  if (!any) return std::unexpected(any.error());
  if (*any) {
    const auto cursor = load_cursor(reader, context_, group.name);
    if (!cursor) return std::unexpected(cursor.error());
    return refuse_without_peer(context_,
                               "the group " + group.name + " has " +
                                   std::to_string(cursor->total - cursor->used) +
                                   " unused keys here, but no key left that the peer server also holds",
                               "group");
  }
  return fail_ekm(ErrorCode::kExhausted, EkmCode::kNoKeyToServe,
                  "the group " + group.name + " has no key left", "group",
                  "generate keys into the group, or set keys_ahead so that they are made by themselves");
}

Result<DataKey> KeyGroups::use(store::Transaction& transaction, DataKey key) const {
  ++key.uses;
  if (key.state == KeyState::kPreActive) {
    key.state = KeyState::kActive;
    mark(key.times, key.state, context_.now());
  }
  TRY(keys_.put(transaction, key));
  return key;
}

Result<DataKey> KeyGroups::take_next(store::Transaction& transaction, std::string_view name) const {
  const KeyGroup group = TRY(require(transaction, name));
  const WriteGate gate = TRY(write_gate(transaction, context_, settings_));
  auto found = TRY(find_next(transaction, group, gate));
  if (!found) return none_left(transaction, group, gate);
  GroupCursor cursor = TRY(load_cursor(transaction, context_, group.name));
  if (!is_spent(*found, TRY(own_epoch(transaction)))) ++cursor.used;
  if (gate.open() || !TRY(passes_over(transaction, group, cursor, *found))) cursor.position = found->position;
  TRY(warn(transaction, group, cursor));
  TRY(save_cursor(transaction, cursor));
  return use(transaction, *std::move(found));
}

Result<DataKey> KeyGroups::take(store::Transaction& transaction, DataKey key) const {
  if (!may_start_cartridge(key.state)) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kProhibited,
                    "the key " + key.alias + " is " + std::string(to_string(key.state)) +
                        " and begins no cartridge any more",
                    "alias", "use another alias or a group");
  }
  if (key.owner != context_.server) {
    return fail_ekm(ErrorCode::kExhausted, EkmCode::kNoKeyToServe,
                    "the key " + key.alias + " is given out for writing by its owning server alone", "alias",
                    "ask the other server, or use a key that this server owns");
  }
  const WriteGate gate = TRY(write_gate(transaction, context_, settings_));
  if (key.created_commit > gate.replica) {
    return refuse_without_peer(context_, "the peer server does not hold the key " + key.alias + " yet",
                               "alias");
  }
  const auto group = key.group.empty() ? std::optional<KeyGroup>() : TRY(find(transaction, key.group));
  if (group && group->policy == GroupPolicy::kUseOnce && key.uses > 0) {
    return fail_ekm(
        ErrorCode::kExhausted, EkmCode::kNoKeyToServe,
        "the key " + key.alias + " of the use-once group " + key.group + " began a cartridge already",
        "alias", "use another alias, or the group");
  }
  if (group && group->policy == GroupPolicy::kUseOnce && is_spent(key, TRY(own_epoch(transaction)))) {
    return fail_ekm(ErrorCode::kExhausted, EkmCode::kNoKeyToServe,
                    "the key " + key.alias +
                        " was made before this server was restored or taken over, so it may have begun a "
                        "cartridge",
                    "alias", "use another alias, or the group");
  }
  const std::int64_t mark = TRY(backup_mark(transaction, key));
  if (mark > gate.backup) return wait_for_backup(context_, mark, "the key " + key.alias, "alias");
  DataKey used = TRY(use(transaction, key));
  TRY(account(transaction, context_, key, used));
  return used;
}

// Announces 80, 90 and 100 % once each, in the audit; going below 80 % begins anew.
Status KeyGroups::warn(store::Transaction& transaction, const KeyGroup& group, GroupCursor& cursor) const {
  if (group.policy != GroupPolicy::kUseOnce) return {};
  const int level = warning_level(percent(cursor.used, cursor.total));
  if (level > cursor.warned_percent) {
    const auto day = TRY(forecast(transaction, group.name, cursor.total - cursor.used));
    audit(transaction, Actor::system(), "group.warning",
          {{"group", group.name},
           {"used_percent", std::to_string(level)},
           {"remaining", std::to_string(cursor.total - cursor.used)},
           {"exhausted_on", day ? format_utc(*day) : "unknown"}});
  }
  cursor.warned_percent = level;
  return {};
}

Result<std::size_t> KeyGroups::take_over(store::Transaction& transaction, const Uuid& from,
                                         std::size_t limit) const {
  const auto rows = TRY(transaction.query(
      kDataKeyTable,
      "owner = ? AND state IN (1, 2) AND (group_name = '' OR group_name IN (SELECT name FROM key_group WHERE "
      "policy = 2 AND row_erased = 0)) LIMIT ?",
      {to_bytes(from.view()), static_cast<std::int64_t>(limit)}));
  for (const auto& row : rows) {
    DataKey key = DataKey::from_row(row);
    key.owner = context_.server;
    key.owner_epoch = TRY(own_epoch(transaction));
    ++key.transfers;
    key.uses = std::max<std::int64_t>(key.uses, 1);  // in a use-once group it counts as used for ever
    if (!key.group.empty()) key.position = TRY(next_positions(transaction, context_, key.group, 1));
    TRY(keys_.put(transaction, key));
    TRY(account(transaction, context_, std::nullopt, key));
  }
  return rows.size();
}

namespace {
// Keys that no write is given because the peer refuses them.
Result<std::int64_t> count_refused(store::Reader& reader, const ServerContext& context, const KeyGroup& group,
                                   const GroupCursor& cursor) {
  const bool use_once = group.policy == GroupPolicy::kUseOnce;
  const std::string once =
      use_once ? " AND uses = 0 AND owner_epoch = " + std::to_string(TRY(own_epoch(reader))) : "";
  return reader.aggregate(
      kDataKeyTable, "COUNT(*)",
      "group_name = ? AND owner = ? AND position > ? AND state IN (1, 2) AND created_commit = ?" + once,
      {group.name, to_bytes(context.server.view()), use_once ? cursor.position : -1, kNeverHeld});
}
}  // namespace

// Refused keys are made anew, but not more of them than the group shall have ready: a peer that refuses every
// key would have keys made without end.
Result<std::vector<KeysNeeded>> KeyGroups::keys_needed(store::Reader& reader) const {
  std::vector<KeysNeeded> out;
  const bool peer_counts = TRY(write_gate(reader, context_, settings_)).replica != WriteGate::kOpen;
  for (const auto& group : TRY(list(reader))) {
    if (group.keys_ahead == 0) continue;
    const GroupCursor cursor = TRY(load_cursor(reader, context_, group.name));
    auto ready = group.policy == GroupPolicy::kUseOnce ? cursor.total - cursor.used : cursor.total;
    if (peer_counts) {
      ready -= std::min(TRY(count_refused(reader, context_, group, cursor)), group.keys_ahead);
    }
    if (ready >= group.keys_ahead) continue;
    const auto prefix =
        group.alias_prefix.empty() ? TRY(settings_.get(reader, kAliasPrefix)) : group.alias_prefix;
    out.push_back({group.name, prefix, group.keys_ahead - ready});
  }
  return out;
}

}  // namespace tapewarden::keymgr

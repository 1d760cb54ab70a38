// Key groups and their members as people change them.
#include <algorithm>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "keymgr/access_rules.h"
#include "keymgr/group_cursor.h"
#include "keymgr/key_groups.h"
#include "keymgr/limits.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

Status check_spec(const GroupSpec& spec) {
  if (spec.keys_ahead < 0 || spec.keys_ahead > static_cast<std::int64_t>(kMaximumKeysAhead)) {
    return fail(ErrorCode::kInvalidArgument, "the number of keys to keep ready is out of range", "keys_ahead",
                "use 0 to " + std::to_string(kMaximumKeysAhead));
  }
  if (spec.alias_prefix.empty()) return {};
  const std::string prefix = to_upper(spec.alias_prefix);
  if (prefix.size() == 3 && std::ranges::all_of(prefix, [](char c) { return c >= 'A' && c <= 'Z'; }))
    return {};
  return fail(ErrorCode::kInvalidArgument, "a prefix of aliases has three letters", "alias_prefix");
}

}  // namespace

Result<KeyGroup> KeyGroups::create(store::Transaction& transaction, const Actor& actor, std::string_view name,
                                   const GroupSpec& spec) const {
  KeyGroup group;
  group.name = TRY(canonical_group(name));
  TRY(check_spec(spec));
  if (TRY(find(transaction, group.name))) {
    return fail(ErrorCode::kAlreadyExists, "there is a key group " + group.name + " already", "group",
                "change it (group modify), or choose another name; small and capital letters are the same");
  }
  group.policy = spec.policy;
  group.keys_ahead = spec.keys_ahead;
  group.alias_prefix = to_upper(spec.alias_prefix);
  group.created = context_.now();
  TRY(transaction.put(kKeyGroupTable, group.to_row()));
  audit(transaction, actor, "group.create",
        {{"group", group.name},
         {"policy", std::string(to_string(group.policy))},
         {"keys_ahead", std::to_string(group.keys_ahead)}});
  return group;
}

Result<KeyGroup> KeyGroups::modify(store::Transaction& transaction, const Actor& actor, std::string_view name,
                                   const GroupSpec& spec) const {
  KeyGroup group = TRY(require(transaction, name));
  TRY(check_spec(spec));
  if (group.policy == GroupPolicy::kRoundRobin && spec.policy == GroupPolicy::kUseOnce) {
    // Keys used by rounds count as used: a use-once group hands out only keys that never began a cartridge.
    GroupCursor cursor = TRY(load_cursor(transaction, context_, group.name));
    cursor.position = 0;
    TRY(save_cursor(transaction, cursor));
  }
  group.policy = spec.policy;
  group.keys_ahead = spec.keys_ahead;
  group.alias_prefix = to_upper(spec.alias_prefix);
  TRY(transaction.put(kKeyGroupTable, group.to_row()));
  audit(transaction, actor, "group.modify",
        {{"group", group.name},
         {"policy", std::string(to_string(group.policy))},
         {"keys_ahead", std::to_string(group.keys_ahead)}});
  return group;
}

Status KeyGroups::remove(store::Transaction& transaction, const Actor& actor, std::string_view name) const {
  const KeyGroup group = TRY(require(transaction, name));
  if (group.default_write) {
    return fail(ErrorCode::kConflict, "the group " + group.name + " is the default for writing", "group",
                "make another group the default first");
  }
  TRY(check_regroup(transaction, settings_, actor, group.name));
  const auto drives = TRY(transaction.query(kDriveTable, "default_group = ? LIMIT 1", {group.name}));
  if (!drives.empty()) {
    return fail(
        ErrorCode::kConflict,
        "drive " + Drive::from_row(drives.front()).serial + " has the group " + group.name + " as default",
        "group", "give that drive another default first");
  }
  const auto count = TRY(transaction.aggregate(kDataKeyTable, "COUNT(*)", "group_name = ?", {group.name}));
  if (count > static_cast<std::int64_t>(kMaximumKeysPerCall)) {
    return fail(ErrorCode::kConflict,
                "the group " + group.name + " holds too many keys to be dissolved at once", "group",
                "move its keys to another group first");
  }
  for (const auto& row : TRY(transaction.query(kDataKeyTable, "group_name = ?", {group.name}))) {
    TRY(regroup(transaction, DataKey::from_row(row), ""));
  }
  for (const auto& row : TRY(transaction.query(kGroupCursorTable, "group_name = ?", {group.name}))) {
    const auto cursor = GroupCursor::from_row(row);
    TRY(transaction.erase(kGroupCursorTable, {cursor.group, to_bytes(cursor.server.view())}));
  }
  TRY(transaction.erase(kKeyGroupTable, {group.name}));
  audit(transaction, actor, "group.remove", {{"group", group.name}, {"keys", std::to_string(count)}});
  return {};
}

Status KeyGroups::set_default(store::Transaction& transaction, const Actor& actor,
                              std::string_view name) const {
  KeyGroup group = TRY(require(transaction, name));
  for (const auto& row : TRY(transaction.query(kKeyGroupTable, "default_write <> 0", {}))) {
    KeyGroup other = KeyGroup::from_row(row);
    if (other.name == group.name) continue;
    other.default_write = false;
    TRY(transaction.put(kKeyGroupTable, other.to_row()));
  }
  group.default_write = true;
  TRY(transaction.put(kKeyGroupTable, group.to_row()));
  audit(transaction, actor, "group.default", {{"group", group.name}});
  return {};
}

// Counts and positions in a group are kept by the key's owner (I5), so keys change groups only there.
Status KeyGroups::check_owned(const DataKey& key) const {
  if (key.owner == context_.server || key.owner.is_nil()) return {};
  return fail(ErrorCode::kConflict, "the key " + key.alias + " belongs to the server " + key.owner.text(),
              "alias", "change its group at that server");
}

// Moves a key to the end of another group, or out of every group.
Status KeyGroups::regroup(store::Transaction& transaction, DataKey key, const std::string& group) const {
  const DataKey before = key;
  key.group = group;
  key.position = group.empty() ? 0 : TRY(next_positions(transaction, context_, group, 1));
  TRY(keys_.put(transaction, key));
  return account(transaction, context_, before, key);
}

Status KeyGroups::add_alias(store::Transaction& transaction, const Actor& actor, std::string_view name,
                            std::string_view alias) const {
  const KeyGroup group = TRY(require(transaction, name));
  DataKey key = TRY(require_key(transaction, alias));
  if (!key.group.empty()) {
    return fail(ErrorCode::kConflict, "the key " + key.alias + " is in the group " + key.group, "alias",
                "move it from that group instead");
  }
  TRY(check_owned(key));
  TRY(check_regroup(transaction, settings_, actor, key.group));
  audit(transaction, actor, "group.add-alias", {{"group", group.name}, {"alias", key.alias}});
  return regroup(transaction, std::move(key), group.name);
}

Status KeyGroups::move_alias(store::Transaction& transaction, const Actor& actor, std::string_view alias,
                             std::string_view from, std::string_view to) const {
  const KeyGroup source = TRY(require(transaction, from));
  const KeyGroup target = TRY(require(transaction, to));
  DataKey key = TRY(require_key(transaction, alias));
  if (key.group != source.name) {
    return fail(ErrorCode::kConflict,
                "the key " + key.alias + " is " +
                    (key.group.empty() ? std::string("in no group") : "in the group " + key.group),
                "from", "name the group that it is in");
  }
  TRY(check_owned(key));
  TRY(check_regroup(transaction, settings_, actor, source.name));
  audit(transaction, actor, "group.move-alias",
        {{"alias", key.alias}, {"from", source.name}, {"to", target.name}});
  return regroup(transaction, std::move(key), target.name);
}

Status KeyGroups::remove_alias(store::Transaction& transaction, const Actor& actor, std::string_view name,
                               std::string_view alias) const {
  const KeyGroup group = TRY(require(transaction, name));
  DataKey key = TRY(require_key(transaction, alias));
  if (key.group != group.name) {
    return fail(ErrorCode::kConflict, "the key " + key.alias + " is not in the group " + group.name, "alias");
  }
  TRY(check_owned(key));
  TRY(check_regroup(transaction, settings_, actor, group.name));
  audit(transaction, actor, "group.remove-alias", {{"group", group.name}, {"alias", key.alias}});
  return regroup(transaction, std::move(key), "");
}

}  // namespace tapewarden::keymgr

// Places and counts in key groups (I5).
#include <algorithm>

#include "keymgr/epoch.h"
#include "keymgr/group_cursor.h"
#include "keymgr/key_groups.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {

bool is_spent(const DataKey& key, std::int64_t epoch) {
  return key.uses > 0 || !may_start_cartridge(key.state) || key.owner_epoch != epoch ||
         key.created_commit == 0;
}

Result<GroupCursor> load_cursor(store::Reader& reader, const ServerContext& context,
                                const std::string& group) {
  const auto row = TRY(reader.get(kGroupCursorTable, {group, to_bytes(context.server.view())}));
  if (row) return GroupCursor::from_row(*row);
  GroupCursor cursor;
  cursor.group = group;
  cursor.server = context.server;
  cursor.next_position = first_of_epoch(TRY(own_epoch(reader))) + 1;
  return cursor;
}

Status save_cursor(store::Transaction& transaction, const GroupCursor& cursor) {
  return transaction.put(kGroupCursorTable, cursor.to_row());
}

int percent(std::int64_t used, std::int64_t total) {
  return total <= 0 ? 0 : static_cast<int>(used * 100 / total);
}

int warning_level(int used_percent) {
  return used_percent >= 100 ? 100 : used_percent >= 90 ? 90 : used_percent >= 80 ? 80 : 0;
}

namespace {

// Adds one key's share to its group's counts, or takes it away.
Status count_key(store::Transaction& transaction, const ServerContext& context, const DataKey& key,
                 int sign) {
  if (key.group.empty() || key.owner != context.server) return {};
  GroupCursor cursor = TRY(load_cursor(transaction, context, key.group));
  cursor.total += sign;
  if (is_spent(key, TRY(own_epoch(transaction)))) cursor.used += sign;
  return save_cursor(transaction, cursor);
}

}  // namespace

Result<std::int64_t> KeyGroups::next_positions(store::Transaction& transaction, const ServerContext& context,
                                               const std::string& group, std::size_t count) {
  GroupCursor cursor = TRY(load_cursor(transaction, context, group));
  const std::int64_t first = cursor.next_position;
  cursor.next_position += static_cast<std::int64_t>(count);
  TRY(save_cursor(transaction, cursor));
  return first;
}

Status KeyGroups::account_new(store::Transaction& transaction, const ServerContext& context,
                              const std::string& group, std::size_t count) {
  GroupCursor cursor = TRY(load_cursor(transaction, context, group));
  cursor.total += static_cast<std::int64_t>(count);
  cursor.warned_percent =
      std::min<std::int64_t>(cursor.warned_percent, warning_level(percent(cursor.used, cursor.total)));
  return save_cursor(transaction, cursor);
}

Status KeyGroups::account(store::Transaction& transaction, const ServerContext& context,
                          const std::optional<DataKey>& before, const std::optional<DataKey>& after) {
  if (before) TRY(count_key(transaction, context, *before, -1));
  if (after) TRY(count_key(transaction, context, *after, +1));
  return {};
}

Status KeyGroups::recount(store::Transaction& transaction, const ServerContext& context,
                          const std::string& group) {
  GroupCursor cursor = TRY(load_cursor(transaction, context, group));
  const GroupCursor before = cursor;
  const Bytes self = to_bytes(context.server.view());
  const std::int64_t epoch = TRY(own_epoch(transaction));
  cursor.total =
      TRY(transaction.aggregate(kDataKeyTable, "COUNT(*)", "group_name = ? AND owner = ?", {group, self}));
  const auto unused = TRY(transaction.aggregate(
      kDataKeyTable, "COUNT(*)",
      "group_name = ? AND owner = ? AND uses = 0 AND state IN (1, 2) AND owner_epoch = ? AND "
      "created_commit > 0",
      {group, self, epoch}));
  cursor.used = cursor.total - unused;
  if (cursor.total == before.total && cursor.used == before.used) return {};
  return save_cursor(transaction, cursor);
}

Status KeyGroups::recount(store::Transaction& transaction, const ServerContext& context) {
  for (const auto& row : TRY(transaction.query(kKeyGroupTable, "1", {}))) {
    TRY(recount(transaction, context, KeyGroup::from_row(row).name));
  }
  return {};
}

Status KeyGroups::begin_positions(store::Transaction& transaction, const ServerContext& context,
                                  std::int64_t first) {
  for (const auto& row : TRY(transaction.query(kKeyGroupTable, "1", {}))) {
    GroupCursor cursor = TRY(load_cursor(transaction, context, KeyGroup::from_row(row).name));
    cursor.next_position = std::max(cursor.next_position, first + 1);
    TRY(save_cursor(transaction, cursor));
  }
  return {};
}

}  // namespace tapewarden::keymgr

// Key groups (K3): ordered sets of data keys from which a write takes the next one.
//
// Invariants
//  I1 In a use-once group a key begins at most one cartridge, whatever crashes: the use count is looked at,
//     the cursor only grows, and cursor, use count and ledger row change in one transaction.
//  I2 Only the owner of a key gives it out for writing; each server has its own cursor in each group. A
//     use-once key is given out only from the keystore in which it was made, in the epoch in which it was
//     made (epoch.h).
//  I3 A key is given out only when it lies where keys.serve wants it besides (serve_policy.h): in a backup,
//     at the peer. Keys that do not are passed over.
//  I4 At most one group is the default for writing; of several, which two servers may bring together, the
//     first by name.
//  I5 GroupCursor::total and ::used count this server's keys in the group, kept with each change of a key.
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/data_keys.h"
#include "keymgr/rows.h"
#include "keymgr/serve_policy.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

struct GroupSpec {
  GroupPolicy policy = GroupPolicy::kUseOnce;
  std::int64_t keys_ahead = 0;
  std::string alias_prefix = {};  // empty: the setting alias.prefix
};

struct GroupStatus {
  KeyGroup group;
  std::int64_t total = 0;  // this server's keys
  std::int64_t used = 0;
  std::int64_t remaining = 0;
  int used_percent = 0;
  std::int64_t waiting = 0;   // of the remaining: not given out before a backup holds them
  std::int64_t unshared = 0;  // of the remaining: not given out before the peer holds them
  std::int64_t ready = 0;     // of the remaining: may be given out now, as far as the peer is concerned
  // Calendar day on which the last key will be taken, from the writes of the last 30 days; absent when
  // nothing was written or the group is refilled by itself or by round robin.
  std::optional<WallTime> exhausted_on;
};

// One group that has fewer unused keys than wanted.
struct KeysNeeded {
  std::string group;
  std::string alias_prefix;
  std::int64_t count = 0;
};

// The folded name. kInvalidArgument: 1 to 64 printable characters, no blanks at the ends.
Result<std::string> canonical_group(std::string_view name);

class KeyGroups {
 public:
  KeyGroups(const ServerContext& context, const DataKeys& keys, const Settings& settings)
      : context_(context), keys_(keys), settings_(settings) {}

  Result<KeyGroup> create(store::Transaction& transaction, const Actor& actor, std::string_view name,
                          const GroupSpec& spec) const;
  Result<KeyGroup> modify(store::Transaction& transaction, const Actor& actor, std::string_view name,
                          const GroupSpec& spec) const;
  // kConflict naming the drives, the default or the keys that stand against it, and the remedy. Its keys stay
  // and belong to no group.
  Status remove(store::Transaction& transaction, const Actor& actor, std::string_view name) const;
  Status set_default(store::Transaction& transaction, const Actor& actor, std::string_view name) const;
  // A key that is in no group. kConflict otherwise, naming its group.
  Status add_alias(store::Transaction& transaction, const Actor& actor, std::string_view name,
                   std::string_view alias) const;
  Status move_alias(store::Transaction& transaction, const Actor& actor, std::string_view alias,
                    std::string_view from, std::string_view to) const;
  Status remove_alias(store::Transaction& transaction, const Actor& actor, std::string_view name,
                      std::string_view alias) const;

  Result<std::optional<KeyGroup>> find(store::Reader& reader, std::string_view name) const;
  Result<std::optional<KeyGroup>> default_group(store::Reader& reader) const;
  Result<std::vector<KeyGroup>> list(store::Reader& reader) const;
  Result<GroupStatus> status(store::Reader& reader, std::string_view name) const;

  // The next key for a write, its use counted and the cursor moved. EE31 without the group; EE34 when no key
  // is left, or none that the peer holds (said apart); kUnavailable with EkmCode::kWaitingForBackup when
  // those left are in no backup yet.
  Result<DataKey> take_next(store::Transaction& transaction, std::string_view name) const;
  // Counts a use of a key that was asked for by its alias. EE34 when it is spent, another server's, or not
  // held by the peer; EkmCode::kWaitingForBackup as above; EE30 when its state forbids it.
  Result<DataKey> take(store::Transaction& transaction, DataKey key) const;
  // Success when take_next() would find a key now, without taking it; else its error.
  Status can_take(store::Reader& reader, const KeyGroup& group) const;
  Result<std::vector<KeysNeeded>> keys_needed(store::Reader& reader) const;

  // For DataKeys. The folded name of a group that exists; EE31 otherwise.
  static Result<std::string> require_name(store::Reader& reader, std::string_view name);
  // The first of `count` positions at the end of the group, for keys of this server.
  static Result<std::int64_t> next_positions(store::Transaction& transaction, const ServerContext& context,
                                             const std::string& group, std::size_t count);
  // Keeps I5: `count` new unused keys of this server; or one key's row before and after a change.
  static Status account_new(store::Transaction& transaction, const ServerContext& context,
                            const std::string& group, std::size_t count);
  static Status account(store::Transaction& transaction, const ServerContext& context,
                        const std::optional<DataKey>& before, const std::optional<DataKey>& after);
  // Counts anew, in one group or in all: after a new epoch or when a cursor came from the peer.
  static Status recount(store::Transaction& transaction, const ServerContext& context,
                        const std::string& group);
  static Status recount(store::Transaction& transaction, const ServerContext& context);
  // New keys of this server get positions from `first` on.
  static Status begin_positions(store::Transaction& transaction, const ServerContext& context,
                                std::int64_t first);
  // Makes this server the owner of keys that may begin many cartridges (in no group or in a round-robin
  // group) and that belong to `from`; at most `limit`. The number taken.
  Result<std::size_t> take_over(store::Transaction& transaction, const Uuid& from, std::size_t limit) const;

 private:
  Result<KeyGroup> require(store::Reader& reader, std::string_view name) const;
  Result<DataKey> require_key(store::Reader& reader, std::string_view alias) const;
  Result<std::optional<DataKey>> next_key(store::Reader& reader, const KeyGroup& group, std::int64_t after,
                                          const WriteGate& gate) const;
  Result<std::optional<DataKey>> find_next(store::Reader& reader, const KeyGroup& group,
                                           const WriteGate& gate) const;
  Result<bool> passes_over(store::Reader& reader, const KeyGroup& group, const GroupCursor& cursor,
                           const DataKey& taken) const;
  Result<DataKey> use(store::Transaction& transaction, DataKey key) const;
  std::unexpected<Error> none_left(store::Reader& reader, const KeyGroup& group, const WriteGate& gate) const;
  Result<std::optional<WallTime>> forecast(store::Reader& reader, std::string_view group,
                                           std::int64_t remaining) const;
  Status warn(store::Transaction& transaction, const KeyGroup& group, GroupCursor& cursor) const;
  Status check_owned(const DataKey& key) const;
  Status regroup(store::Transaction& transaction, DataKey key, const std::string& group) const;
  void audit(store::Transaction& transaction, const Actor& actor, std::string_view action,
             std::vector<std::pair<std::string_view, std::string>> fields) const;

  const ServerContext& context_;
  const DataKeys& keys_;
  const Settings& settings_;
};

}  // namespace tapewarden::keymgr

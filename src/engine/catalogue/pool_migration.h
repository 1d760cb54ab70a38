// What the catalogue knows of a migration: the data of one pool goes to another one, or within a pool to
// cartridges that are written with other keys (feature row T7). Values; functions are pure and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/catalogue/constructs.h"

namespace tapewarden::engine {

// What cartridges of a pool are written with from their beginning.
struct PoolKeys {
  PoolEncryption encryption = PoolEncryption::kOff;
  std::array<KeyLabel, 2> labels;
  std::string key_group;

  static PoolKeys of(const Pool& pool) { return {pool.encryption, pool.labels, pool.key_group}; }
  void apply_to(Pool& pool) const {
    pool.encryption = encryption;
    pool.labels = labels;
    pool.key_group = key_group;
  }
  friend bool operator==(const PoolKeys&, const PoolKeys&) = default;
};

// constructs -> pools -> moving -> finished; within a pool from pools on. By an operator's word from any of
// the three: -> taking back -> cancelled.
enum class PoolMigrationState : std::uint8_t {
  kConstructs,  // storage groups and management classes are to be changed
  kPools,       // reclaim pools, borrowing or keys are to be changed
  kMoving,
  kTakingBack,  // cancelled, and its move requests are being taken back
  kFinished,    // nothing of it is left in the old pool, or under the old keys
  kCancelled,
};
std::string_view to_string(PoolMigrationState state);
inline bool ended(PoolMigrationState state) {
  return state >= PoolMigrationState::kFinished;
}

// What there was to move when it was begun.
struct PoolMigrationCounts {
  std::uint64_t cartridges = 0;  // with active data
  std::uint64_t volumes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t due = 0;  // copies that were only in the cache, and due for the old pool
  friend bool operator==(const PoolMigrationCounts&, const PoolMigrationCounts&) = default;
};

struct PoolMigration {
  std::uint64_t number = 0;  // grows by one
  std::uint8_t source = 0;
  std::uint8_t target = 0;  // the same pool: to new keys
  PoolMigrationState state = PoolMigrationState::kConstructs;
  MoveRequest::When when = MoveRequest::When::kNow;
  PoolKeys keys;         // what the target is written with
  PoolKeys keys_before;  // of the target
  WallTime requested{};
  std::string requested_by;
  std::optional<WallTime> ended_at;
  bool keep_settings = false;  // of a cancelled one: pools and constructs stay as it changed them
  PoolMigrationCounts counts;

  bool within_pool() const { return source == target; }
  friend bool operator==(const PoolMigration&, const PoolMigration&) = default;
};

// One setting that a migration changed, so that it can be changed back.
struct MigratedSetting {
  enum class Kind : std::uint8_t { kStorageGroup, kManagementClass, kReclaimPool, kBorrow };
  Kind kind = Kind::kStorageGroup;
  std::string name;  // of the construct; the number of the pool
  std::uint8_t before = 0;
  std::uint8_t after = 0;
  friend bool operator==(const MigratedSetting&, const MigratedSetting&) = default;
};
std::string_view to_string(MigratedSetting::Kind kind);

// Copies that are only in the cache as yet and go to one pool.
struct DueSums {
  std::uint64_t copies = 0;
  std::uint64_t bytes = 0;    // of their files in the cache
  std::uint64_t mounted = 0;  // of the copies: their volumes are in drives of hosts
};

// kInvalidArgument naming the field.
Status check(const PoolMigration& migration);

}  // namespace tapewarden::engine

// What a migration would do, before it is begun (feature row T7). Every number comes from the catalogue; what
// only the world knows (how fast drives are) the caller gives. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/catalogue/view.h"
#include "engine/operator/migration_tally.h"

namespace tapewarden::engine {

struct MigrationRequest {
  std::uint8_t source = 0;
  std::uint8_t target = 0;  // the same: to other keys within the pool
  MoveRequest::When when = MoveRequest::When::kNow;
  // Within a pool: what it is written with from now on. None: as its settings are now.
  std::optional<PoolKeys> keys = {};
};

// How fast data moves. 0: not known, and assumed.
struct TransferRates {
  std::uint64_t drive_bytes_per_second = 0;
  std::uint32_t mount_seconds = 0;
  std::uint32_t drives = 0;  // that the migration may use
  std::uint64_t cartridge_bytes = 0;
};
// kInvalidArgument naming the member that is out of range.
Status check(const TransferRates& rates);

struct MigrationConflict {
  enum class Kind : std::uint8_t {
    kRunning,           // another migration empties or fills one of the pools
    kEncryptionOff,     // the target writes in clear
    kNothingToChange,   // within a pool: everything is written with these keys
    kNoScratch,         // nothing can be begun in the target
    kLittleScratch,     // fewer scratch cartridges than are needed
    kMediaDiffer,       // drives of both kinds are needed
    kReclaimInhibited,  // nothing becomes eligible as yet
    kNoReclaimPolicy,   // the source's policies are all off: nothing ever becomes eligible
    kSecondCopies,      // first and second copies would lie in one pool
    kStuck,             // cartridges that cannot be read as yet hold active data
    kKeysNotKnown,      // no key server knows what the target is to be written with, or none can be asked
  };
  Kind kind = Kind::kRunning;
  bool refuses = false;  // as long as it is so the migration is not begun
  std::string text;
  std::string remedy;
};
std::string_view to_string(MigrationConflict::Kind kind);

struct MigrationPlan {
  PoolMigration migration;                // as it would begin; without a number
  std::vector<MigratedSetting> settings;  // that it changes
  bool changes_keys = false;              // of the pool
  MigrationTally tally;
  DueSums due;  // copies that go to the old pool before they are moved on; none within a pool

  TransferRates rates;             // that were reckoned with
  bool capacity_measured = false;  // of cartridges that were filled; else given or assumed
  std::uint64_t source_mounts = 0;
  std::uint64_t target_mounts = 0;
  std::uint64_t room_bytes = 0;  // on cartridges of the target that are filling
  std::uint64_t scratch_needed = 0;
  std::uint64_t scratch_there = 0;      // the target's own and those that it may borrow
  std::uint64_t scratch_returning = 0;  // of those emptied: they come where the target can take them
  std::chrono::seconds duration{};      // when all is moved now

  std::vector<MigrationConflict> conflicts;
  // The first that refuses; nothing: it may begin.
  const MigrationConflict* refusal() const;
};

// kInvalidArgument naming the field; kNotFound.
Result<MigrationPlan> plan_migration(CatalogueView& view, const MigrationRequest& request,
                                     const TransferRates& rates, bool reclaim_inhibited, WallTime now);

}  // namespace tapewarden::engine

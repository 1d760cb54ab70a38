// Migrations of pools (feature row T7): one order changes the settings that lead data away from a pool, has
// what lies there moved, and watches until nothing of it is left. The moving itself is the work's with tape,
// which carries out the move requests that are set here.
//
// Thread-safe.
//
// Invariants
//  1. What a migration has done and what comes next stands in the catalogue. Each step is one transaction,
//     and leaves what advance() goes on from, after a crash as well.
//  2. Settings change before anything is moved: constructs first, then reclaim pools and borrowing, or the
//     pool's keys; else what is moved out would flow back.
//  3. A cartridge that takes more is closed only when nothing is due any more that is to be written on it;
//     and at once when the pool gets other keys, for an append goes on with the keys of its beginning.
//  4. It has finished when no cartridge that it concerns holds active data or takes more, and nothing is due
//     for the old pool.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/catalogue/catalogue.h"
#include "engine/notices.h"
#include "engine/operator/migration_plan.h"

namespace tapewarden::engine {

// Something that keeps a migration from ending.
struct MigrationHindrance {
  enum class Kind : std::uint8_t {
    kCopiesDue,    // copies are to be written to the old pool first
    kStuck,        // a cartridge that cannot be read holds active data
    kOverdue,      // a cartridge is not where it should be
    kNoKeys,       // keys were needed and no key server could be reached
    kNoScratch,    // the target has no cartridge that takes more
    kNotEligible,  // filled cartridges wait for reclaim's policies, or reclaim is inhibited
    kSettings,     // somebody changed settings back
  };
  Kind kind = Kind::kStuck;
  std::string subject;  // barcode, pool or construct; may be empty
  std::string text;
};
std::string_view to_string(MigrationHindrance::Kind kind);

struct MigrationProgress {
  PoolMigration migration;
  MigrationTally tally;  // of now; empty when the migration has ended
  CartridgeSums done;    // of what there was at the start
  DueSums due;
  unsigned percent = 0;                     // of the bytes, rounded down; 100 only when it has finished
  std::uint64_t bytes_per_second = 0;       // since it was begun
  std::optional<WallTime> estimated_end{};  // nothing: nobody can tell
  std::vector<MigrationHindrance> hindrances{};
};

// All borrowed; what is empty is not asked.
struct MigrationParts {
  Env env;
  Catalogue& catalogue;
  Notices& notices;
  // As long as what it gives lives, no work with tape begins with the cartridge. kConflict: work is under
  // way.
  std::function<Result<std::shared_ptr<void>>(const std::string& barcode)> hold = {};
  // Whether the key servers know what a pool with these settings is to be written with.
  std::function<Status(const Pool& pool)> check_keys = {};
  std::function<bool()> reclaim_inhibited = {};
  std::function<void()> wake = {};  // there may be something new to do
};

class PoolMigrations {
 public:
  explicit PoolMigrations(MigrationParts parts) : parts_(std::move(parts)) {}

  // What it would do; changes nothing. As plan_migration(), and the key servers are asked whether they know
  // what the target is to be written with: a conflict when not, or when none can be asked.
  Result<MigrationPlan> plan(const MigrationRequest& request, const TransferRates& rates = {});
  // Begins it and goes on as far as it goes without waiting: the settings are changed and the first requests
  // set when this returns. kConflict naming what refuses it (MigrationPlan::conflicts); errors of plan() and
  // check_keys. An error after it was begun says so: advance() goes on with it.
  Result<PoolMigration> start(const MigrationRequest& request, const std::string& by) TW_EXCLUDES(passing_);
  // Takes back what was not carried out yet: the requests, and the settings unless `keep_settings`. What was
  // moved stays where it is; a cartridge that was closed stays closed. A setting that somebody else changed
  // meanwhile stays, too. kNotFound; kConflict when it has ended.
  Result<PoolMigration> cancel(std::uint64_t number, bool keep_settings) TW_EXCLUDES(passing_);
  // Goes on with every migration that has not ended. To be called at the start and then every now and then,
  // and when work with tape has done something; costs a look at the cartridges of the pools concerned.
  Status advance() TW_EXCLUDES(passing_);

  Result<MigrationProgress> progress(std::uint64_t number);  // kNotFound
  Result<std::vector<MigrationProgress>> all();              // newest first

 private:
  struct Wish {
    std::string barcode;
    MoveRequest move;
    bool close = false;
  };
  Result<MigrationPlan> plan_by_catalogue(const MigrationRequest& request, const TransferRates& rates);
  Result<Pool> target_of(const MigrationPlan& plan);
  Status advance_one(std::uint64_t number) TW_REQUIRES(passing_);
  Status change_constructs(std::uint64_t number) TW_REQUIRES(passing_);
  Status change_pools(std::uint64_t number) TW_REQUIRES(passing_);
  Status pass(const PoolMigration& migration) TW_REQUIRES(passing_);
  Status take_back(const PoolMigration& migration) TW_REQUIRES(passing_);
  Status carry_out(const PoolMigration& migration, const std::vector<Wish>& wishes) TW_REQUIRES(passing_);
  Status finish(std::uint64_t number) TW_REQUIRES(passing_);
  Result<PoolMigration> look_up(std::uint64_t number);
  Status restore(CatalogueChange& change, const PoolMigration& migration);
  std::vector<MigrationHindrance> hindrances_from_notices(const PoolMigration& migration, CatalogueView& view,
                                                          Status& failed);
  Result<MigrationProgress> progress_in(CatalogueView& view, const PoolMigration& migration);
  bool inhibited() const { return parts_.reclaim_inhibited && parts_.reclaim_inhibited(); }
  WallTime now() const { return parts_.env.clock->wall_now(); }

  const MigrationParts parts_;
  Mutex passing_;  // one pass at a time
};

}  // namespace tapewarden::engine

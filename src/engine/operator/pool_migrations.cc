#include "engine/operator/pool_migrations.h"

#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/operator/migration_limits.h"
#include "engine/operator/migration_settings.h"

namespace tapewarden::engine {
namespace {

using When = MoveRequest::When;

// The settings of one step, as they are now, and notes of them for a way back.
Status change_settings(CatalogueChange& change, const PoolMigration& migration, bool constructs) {
  const Pool source = TRY(change.pool(migration.source));
  const Pool target = TRY(change.pool(migration.target));
  for (const MigratedSetting& setting : TRY(settings_to_change(change, source, target))) {
    if (is_construct(setting) != constructs) continue;
    if (TRY(replace_setting(change, setting, setting.before, setting.after)))
      TRY(change.put(migration.number, setting));
  }
  return {};
}

// What a cartridge of the source is asked for now; nothing when it is as it should be.
class Chooser {
 public:
  Chooser(const PoolMigration& migration, const MigrationTally& tally, const DueSums& due)
      : migration_(migration),
        closes_(migration.within_pool() || due.copies == 0),
        // Reclaim never looks at what was not filled: that is cleaned up when the filled ones are gone.
        cleans_up_(closes_ && (migration.when == When::kNow || tally.full.cartridges == 0)) {}

  bool closes(const PhysicalVolume& cartridge) const {
    if (cartridge.state != CartridgeState::kFilling) return false;
    return migration_.within_pool() || cleans_up_;
  }
  MoveRequest move(const PhysicalVolume& cartridge) const {
    if (cartridge.active_volumes == 0) return cartridge.move;
    MoveRequest wanted{migration_.when, migration_.target};
    if (cartridge.state != CartridgeState::kFull) wanted.when = cleans_up_ ? When::kNow : When::kNone;
    if (cartridge.state == CartridgeState::kClosed && migration_.when == When::kNow) wanted.when = When::kNow;
    const MoveRequest& known = cartridge.move;
    if (wanted.when == When::kNone) return known;
    const bool elsewhere = known.when != When::kNone && known.target_pool != migration_.target;
    if (elsewhere && known.target_pool != migration_.source) return known;  // it leaves as an operator asked
    return wanted.when > known.when || elsewhere ? wanted : known;
  }

 private:
  const PoolMigration& migration_;
  const bool closes_;
  const bool cleans_up_;
};

}  // namespace

Result<PoolMigration> PoolMigrations::look_up(std::uint64_t number) {
  PoolMigration migration;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    migration = TRY(view.pool_migration(number));
    return {};
  }));
  return migration;
}

Result<MigrationPlan> PoolMigrations::plan(const MigrationRequest& request, const TransferRates& rates) {
  auto plan = TRY(plan_by_catalogue(request, rates));
  const auto wanted = TRY(target_of(plan));
  if (wanted.encryption == PoolEncryption::kOff || !parts_.check_keys) return plan;
  if (const auto known = parts_.check_keys(wanted); !known)
    plan.conflicts.push_back({.kind = MigrationConflict::Kind::kKeysNotKnown,
                              .refuses = plan.changes_keys,
                              .text = "what pool " + std::to_string(wanted.number) +
                                      " is to be written with: " + known.error().message,
                              .remedy = known.error().remedy});
  return plan;
}

// The target as it will be written.
Result<Pool> PoolMigrations::target_of(const MigrationPlan& plan) {
  Pool wanted;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    wanted = TRY(view.pool(plan.migration.target));
    return {};
  }));
  if (plan.changes_keys) plan.migration.keys.apply_to(wanted);
  return wanted;
}

Result<MigrationPlan> PoolMigrations::plan_by_catalogue(const MigrationRequest& request,
                                                        const TransferRates& rates) {
  MigrationPlan plan;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    plan = TRY(plan_migration(view, request, rates, inhibited(), now()));
    return {};
  }));
  return plan;
}

Result<PoolMigration> PoolMigrations::start(const MigrationRequest& request, const std::string& by) {
  MigrationPlan plan = TRY(plan_by_catalogue(request, {}));
  if (const MigrationConflict* refusal = plan.refusal())
    return fail(ErrorCode::kConflict, refusal->text, "migration", refusal->remedy);
  if (plan.changes_keys && parts_.check_keys) TRY(parts_.check_keys(TRY(target_of(plan))));
  plan.migration.requested_by = by.substr(0, kMaximumNoteCharacters);
  std::uint64_t number = 0;
  const MutexLock lock(passing_);
  TRY(parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    if (PoolKeys::of(TRY(change.pool(request.target))) != plan.migration.keys_before)
      return fail(ErrorCode::kConflict,
                  "somebody changed the encryption of pool " + std::to_string(request.target) + " meanwhile",
                  "target", "look at the pool, and plan again");
    number = TRY(change.begin_pool_migration(plan.migration));
    return {};
  }));
  const Status begun = advance_one(number);
  if (parts_.wake) parts_.wake();
  if (!begun)
    return in_context("migration " + std::to_string(number) + " was begun and goes on", begun.error());
  return look_up(number);
}

Status PoolMigrations::advance() {
  const MutexLock lock(passing_);
  std::vector<PoolMigration> running;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    running = TRY(view.running_pool_migrations());
    return {};
  }));
  Status worst;
  for (const PoolMigration& migration : running) {
    const Status done = advance_one(migration.number);
    if (worst && !done) worst = done;
  }
  return worst;
}

Status PoolMigrations::advance_one(std::uint64_t number) {
  PoolMigration migration = TRY(look_up(number));
  if (migration.state == PoolMigrationState::kConstructs) {
    TRY(change_constructs(number));
    migration = TRY(look_up(number));
  }
  if (migration.state == PoolMigrationState::kPools) {
    TRY(change_pools(number));
    migration = TRY(look_up(number));
  }
  if (migration.state == PoolMigrationState::kMoving) return pass(migration);
  if (migration.state == PoolMigrationState::kTakingBack) return take_back(migration);
  return {};
}

Status PoolMigrations::change_constructs(std::uint64_t number) {
  return parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    PoolMigration migration = TRY(change.pool_migration(number));
    if (migration.state != PoolMigrationState::kConstructs) return {};
    TRY(change_settings(change, migration, true));
    migration.state = PoolMigrationState::kPools;
    return change.put(migration);
  });
}

Status PoolMigrations::change_pools(std::uint64_t number) {
  return parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    PoolMigration migration = TRY(change.pool_migration(number));
    if (migration.state != PoolMigrationState::kPools) return {};
    if (migration.within_pool()) {
      Pool pool = TRY(change.pool(migration.target));
      migration.keys.apply_to(pool);
      TRY(change.put(pool));
    } else {
      TRY(change_settings(change, migration, false));
    }
    migration.state = PoolMigrationState::kMoving;
    return change.put(migration);
  });
}

Status PoolMigrations::pass(const PoolMigration& migration) {
  std::vector<Wish> wishes;
  bool finished = false;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    wishes.clear();
    const MigrationTally tally = TRY(tally_of(view, migration));
    const DueSums due = migration.within_pool() ? DueSums{} : TRY(view.due_sums(migration.source));
    finished = tally.left().cartridges == 0 && tally.open == 0 && due.copies == 0;
    if (finished) return {};
    const Chooser chooser(migration, tally, due);
    return each_cartridge(view, migration.source, [&](const PhysicalVolume& cartridge) {
      if (!concerns(migration, cartridge) || !readable(cartridge.state)) return;
      const Wish wish{cartridge.barcode, chooser.move(cartridge), chooser.closes(cartridge)};
      if (wish.close || wish.move != cartridge.move) wishes.push_back(wish);
    });
  }));
  if (finished) return finish(migration.number);
  return carry_out(migration, wishes);
}

// Looks again at the migration and at each cartridge within its change: work with tape goes on meanwhile, and
// an operator may cancel. A cartridge that is in work's hands is closed by a later pass.
Status PoolMigrations::carry_out(const PoolMigration& migration, const std::vector<Wish>& wishes) {
  const auto moving = [&](CatalogueChange& change) -> Result<bool> {
    return TRY(change.pool_migration(migration.number)).state == PoolMigrationState::kMoving;
  };
  const auto one = [&](CatalogueChange& change, const Wish& wish) -> Status {
    const auto known = TRY(change.find_cartridge(wish.barcode));
    if (!known || !concerns(migration, *known) || !readable(known->state)) return {};
    PhysicalVolume cartridge = *known;
    if (wish.close && cartridge.state == CartridgeState::kFilling) cartridge.state = CartridgeState::kClosed;
    if (cartridge.active_volumes > 0) cartridge.move = wish.move;
    return change.put(cartridge);
  };
  std::vector<Wish> together;
  bool any = false;
  const auto put_together = [&]() -> Status {
    if (together.empty()) return {};
    TRY(parts_.catalogue.change([&](CatalogueChange& change) -> Status {
      if (!TRY(moving(change))) return {};
      for (const Wish& wish : together) TRY(one(change, wish));
      return {};
    }));
    any = true;
    together.clear();
    return {};
  };
  for (const Wish& wish : wishes) {
    if (wish.close) {
      const auto held = parts_.hold ? parts_.hold(wish.barcode) : Result<std::shared_ptr<void>>();
      if (!held && held.error().code == ErrorCode::kConflict) continue;
      if (!held) return std::unexpected(held.error());
      TRY(parts_.catalogue.change([&](CatalogueChange& change) -> Status {
        return TRY(moving(change)) ? one(change, wish) : Status{};
      }));
      any = true;
      continue;
    }
    together.push_back(wish);
    if (together.size() == kRequestsInChange) TRY(put_together());
  }
  TRY(put_together());
  // What waits for a cartridge in work's hands is nothing new for work.
  if (any && parts_.wake) parts_.wake();
  return {};
}

// Within a pool nothing can come back: all that its keys do not fit is closed. From another pool neither: no
// copy is due, and it takes none.
Status PoolMigrations::finish(std::uint64_t number) {
  return parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    PoolMigration migration = TRY(change.pool_migration(number));
    if (migration.state != PoolMigrationState::kMoving) return {};
    migration.state = PoolMigrationState::kFinished;
    migration.ended_at = change.now();
    return change.put(migration);
  });
}

Status PoolMigrations::restore(CatalogueChange& change, const PoolMigration& migration) {
  for (const MigratedSetting& setting : TRY(change.migrated_settings(migration.number))) {
    const auto done = replace_setting(change, setting, setting.after, setting.before);
    if (!done && done.error().code != ErrorCode::kNotFound) return std::unexpected(done.error());
  }
  if (!migration.within_pool()) return {};
  Pool pool = TRY(change.pool(migration.target));
  if (PoolKeys::of(pool) != migration.keys) return {};
  migration.keys_before.apply_to(pool);
  return change.put(pool);
}

Result<PoolMigration> PoolMigrations::cancel(std::uint64_t number, bool keep_settings) {
  const MutexLock lock(passing_);
  TRY(parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    PoolMigration migration = TRY(change.pool_migration(number));
    if (ended(migration.state) || migration.state == PoolMigrationState::kTakingBack)
      return fail(ErrorCode::kConflict,
                  "migration " + std::to_string(number) + " is " + std::string(to_string(migration.state)),
                  "migration");
    if (!keep_settings) TRY(restore(change, migration));
    migration.keep_settings = keep_settings;
    migration.state = PoolMigrationState::kTakingBack;
    return change.put(migration);
  }));
  const Status back = advance_one(number);
  if (parts_.wake) parts_.wake();
  if (!back)
    return in_context("migration " + std::to_string(number) + " is cancelled and being taken back",
                      back.error());
  return look_up(number);
}

// A request of an operator for the same target cannot be told from one of the migration, and goes, too.
Status PoolMigrations::take_back(const PoolMigration& migration) {
  std::vector<std::string> barcodes;
  TRY(parts_.catalogue.read([&](CatalogueView& view) -> Status {
    barcodes.clear();
    return each_cartridge(view, migration.source, [&](const PhysicalVolume& cartridge) {
      const bool asked = cartridge.move.when != When::kNone && cartridge.move.target_pool == migration.target;
      if (asked) barcodes.push_back(cartridge.barcode);
    });
  }));
  for (std::size_t first = 0; first < barcodes.size(); first += kRequestsInChange) {
    const std::size_t last = std::min(first + kRequestsInChange, barcodes.size());
    TRY(parts_.catalogue.change([&](CatalogueChange& change) -> Status {
      for (std::size_t i = first; i < last; ++i) {
        const auto known = TRY(change.find_cartridge(barcodes[i]));
        if (!known || known->pool != migration.source || known->move.target_pool != migration.target)
          continue;
        PhysicalVolume cartridge = *known;
        cartridge.move = {};
        TRY(change.put(cartridge));
      }
      return {};
    }));
  }
  return parts_.catalogue.change([&](CatalogueChange& change) -> Status {
    PoolMigration ended = TRY(change.pool_migration(migration.number));
    if (ended.state != PoolMigrationState::kTakingBack) return {};
    ended.state = PoolMigrationState::kCancelled;
    ended.ended_at = change.now();
    return change.put(ended);
  });
}

}  // namespace tapewarden::engine

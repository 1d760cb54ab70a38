#include <algorithm>

#include "engine/catalogue/change.h"
#include "engine/catalogue/limits.h"
#include "engine/catalogue/rows_migration.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

namespace {

std::unexpected<Error> in_the_way(const PoolMigration& other, const std::string& what,
                                  const std::string& field) {
  return fail(ErrorCode::kConflict, what + " migration " + std::to_string(other.number), field,
              "wait until it has finished, or cancel it");
}

}  // namespace

// A pool is emptied by one migration at a time, and none fills a pool that another one empties.
Status CatalogueChange::check_alone(const PoolMigration& migration) {
  for (const PoolMigration& other : TRY(running_pool_migrations())) {
    if (other.number == migration.number) continue;
    const auto pool = [](std::uint8_t number) { return "pool " + std::to_string(number); };
    if (other.source == migration.source)
      return in_the_way(other, pool(migration.source) + " is being migrated by", "source");
    if (other.source == migration.target)
      return in_the_way(other, pool(migration.target) + " is being emptied by", "target");
    if (other.target == migration.source)
      return in_the_way(other, pool(migration.source) + " is being filled by", "source");
  }
  return {};
}

Result<std::uint64_t> CatalogueChange::begin_pool_migration(PoolMigration migration) {
  TRY(check(migration));
  migration.number =
      static_cast<std::uint64_t>(TRY(transaction_.aggregate(kPoolMigrationTable, "max(number)", "", {}))) + 1;
  TRY(check_alone(migration));
  const auto running = TRY(running_pool_migrations());
  const auto taken = [&] {
    return std::ranges::any_of(running, [&](const PoolMigration& other) {
      return migration_place(other.number) == migration_place(migration.number);
    });
  };
  static_assert(kMaximumPool < kPoolMigrationsKept);
  while (taken()) ++migration.number;
  const std::int64_t place = migration_place(migration.number);
  for (const store::Row& row : TRY(transaction_.query(kMigratedSettingTable, "place = ?", {place})))
    TRY(transaction_.erase(kMigratedSettingTable, {place, row.at(1), row.at(2)}));
  TRY(transaction_.put(kPoolMigrationTable, to_row(migration)));
  return migration.number;
}

Status CatalogueChange::put(const PoolMigration& migration) {
  TRY(check(migration));
  const PoolMigration known = TRY(pool_migration(migration.number));
  if (ended(known.state) && known != migration)
    return fail(ErrorCode::kConflict, "migration " + std::to_string(known.number) + " has ended",
                "migration");
  if (!ended(migration.state)) TRY(check_alone(migration));
  return transaction_.put(kPoolMigrationTable, to_row(migration));
}

Status CatalogueChange::put(std::uint64_t migration, const MigratedSetting& setting) {
  (void)TRY(pool_migration(migration));
  return transaction_.put(kMigratedSettingTable, to_row(migration_place(migration), setting));
}

}  // namespace tapewarden::engine

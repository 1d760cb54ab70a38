#include <algorithm>

#include "engine/catalogue/rows_migration.h"
#include "engine/catalogue/tables.h"
#include "engine/catalogue/view.h"

namespace tapewarden::engine {

using store::Row;

namespace {

constexpr std::string_view kRunning = "state < 4";
static_assert(static_cast<int>(PoolMigrationState::kFinished) == 4);

}  // namespace

Result<std::vector<PoolMigration>> CatalogueView::query_migrations(std::string_view where,
                                                                   std::vector<store::Value> parameters) {
  std::vector<PoolMigration> found;
  for (const Row& row : TRY(reader_.query(kPoolMigrationTable, where, parameters)))
    found.push_back(TRY(pool_migration_from(row)));
  std::ranges::sort(found, std::ranges::greater{}, &PoolMigration::number);
  return found;
}

Result<PoolMigration> CatalogueView::pool_migration(std::uint64_t number) {
  const auto row = TRY(reader_.get(kPoolMigrationTable, {migration_place(number)}));
  if (row) {
    auto found = TRY(pool_migration_from(*row));
    if (found.number == number) return found;
  }
  return fail(ErrorCode::kNotFound, "there is no migration " + std::to_string(number), "migration",
              "look at the list of migrations; the newest are kept");
}

Result<std::vector<PoolMigration>> CatalogueView::pool_migrations() {
  return query_migrations("", {});
}

Result<std::vector<PoolMigration>> CatalogueView::running_pool_migrations() {
  return query_migrations(kRunning, {});
}

Result<std::vector<MigratedSetting>> CatalogueView::migrated_settings(std::uint64_t number) {
  const PoolMigration migration = TRY(pool_migration(number));
  std::vector<MigratedSetting> settings;
  for (const Row& row : TRY(reader_.query(kMigratedSettingTable, "place = ? ORDER BY kind, name",
                                          {migration_place(migration.number)})))
    settings.push_back(TRY(migrated_setting_from(row)));
  return settings;
}

// Nothing here is decided by the sums but what people are told, and whether a migration looks again.
Result<DueSums> CatalogueView::due_sums(std::uint8_t pool) {
  DueSums sums;
  const store::Value number = std::int64_t{pool};
  const auto sum = [&](std::string_view expression, const std::string& where) {
    return reader_.aggregate(kVolumeTable, expression, where, {number});
  };
  for (const CopyNumber copy : {CopyNumber::kPrimary, CopyNumber::kSecondary}) {
    const std::string name(to_string(copy));
    for (const bool mounted : {false, true}) {
      const std::string where =
          name + "_due = 1 AND mounted " + (mounted ? "<> ''" : "= ''") + " AND " + name + "_pool = ?";
      const auto copies = static_cast<std::uint64_t>(TRY(sum("count(*)", where)));
      if (copies == 0) continue;
      sums.copies += copies;
      sums.bytes += static_cast<std::uint64_t>(TRY(sum("sum(cached_bytes)", where)));
      if (mounted) sums.mounted += copies;
    }
  }
  return sums;
}

Result<std::uint64_t> CatalogueView::count_scratch(std::uint8_t pool, MediumKind kind) {
  return static_cast<std::uint64_t>(
      TRY(reader_.aggregate(kCartridgeTable, "count(*)", "state = 0 AND pool = ? AND kind = ?",
                            {std::int64_t{pool}, static_cast<std::int64_t>(kind)})));
}

}  // namespace tapewarden::engine

// Rows of migrations to values and back, as rows.h. Pure, thread-safe.
#pragma once

#include "engine/catalogue/pool_migration.h"
#include "store/schema.h"

namespace tapewarden::engine {

// Where the row of a migration lies: places are used again.
std::int64_t migration_place(std::uint64_t number);

store::Row to_row(const PoolMigration& migration);
Result<PoolMigration> pool_migration_from(const store::Row& row);

store::Row to_row(std::int64_t place, const MigratedSetting& setting);
Result<MigratedSetting> migrated_setting_from(const store::Row& row);

}  // namespace tapewarden::engine

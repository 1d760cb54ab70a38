#include "engine/catalogue/rows_migration.h"

#include "engine/catalogue/limits.h"
#include "engine/catalogue/tables.h"
#include "store/row_fields.h"

namespace tapewarden::engine {

using store::Row;
using store::RowFieldReader;
using store::RowFields;

namespace {

void put_keys(RowFields& out, const PoolKeys& keys) {
  out.member(keys.encryption);
  for (const KeyLabel& label : keys.labels) out.text(label.text).member(label.mode);
  out.text(keys.key_group);
}

Result<PoolKeys> take_keys(RowFieldReader& in) {
  PoolKeys keys;
  keys.encryption = TRY(in.member(PoolEncryption::kHeld));
  for (KeyLabel& label : keys.labels) {
    label.text = in.text();
    label.mode = TRY(in.member(LabelMode::kHash, LabelMode::kClear));
  }
  keys.key_group = in.text();
  return keys;
}

}  // namespace

std::int64_t migration_place(std::uint64_t number) {
  return static_cast<std::int64_t>(number % kPoolMigrationsKept);
}

Row to_row(const PoolMigration& migration) {
  RowFields out(kPoolMigrationTable);
  out.number(migration_place(migration.number)).number(migration.number);
  out.number(migration.source).number(migration.target).member(migration.state).member(migration.when);
  put_keys(out, migration.keys);
  put_keys(out, migration.keys_before);
  out.time(migration.requested).text(migration.requested_by).moment(migration.ended_at);
  out.number(migration.keep_settings);
  const PoolMigrationCounts& counts = migration.counts;
  out.number(counts.cartridges).number(counts.volumes).number(counts.bytes).number(counts.due);
  return out.take();
}

Result<PoolMigration> pool_migration_from(const Row& row) {
  RowFieldReader in(kPoolMigrationTable, row);
  (void)in.number<std::int64_t>();
  PoolMigration migration;
  migration.number = in.number<std::uint64_t>();
  migration.source = in.number<std::uint8_t>();
  migration.target = in.number<std::uint8_t>();
  migration.state = TRY(in.member(PoolMigrationState::kCancelled));
  migration.when = TRY(in.member(MoveRequest::When::kNow));
  migration.keys = TRY(take_keys(in));
  migration.keys_before = TRY(take_keys(in));
  migration.requested = in.time();
  migration.requested_by = in.text();
  migration.ended_at = in.moment();
  migration.keep_settings = in.number<bool>();
  migration.counts.cartridges = in.number<std::uint64_t>();
  migration.counts.volumes = in.number<std::uint64_t>();
  migration.counts.bytes = in.number<std::uint64_t>();
  migration.counts.due = in.number<std::uint64_t>();
  return migration;
}

Row to_row(std::int64_t place, const MigratedSetting& setting) {
  return RowFields(kMigratedSettingTable)
      .number(place)
      .member(setting.kind)
      .text(setting.name)
      .number(setting.before)
      .number(setting.after)
      .take();
}

Result<MigratedSetting> migrated_setting_from(const Row& row) {
  RowFieldReader in(kMigratedSettingTable, row);
  (void)in.number<std::int64_t>();
  MigratedSetting setting;
  setting.kind = TRY(in.member(MigratedSetting::Kind::kBorrow));
  setting.name = in.text();
  setting.before = in.number<std::uint8_t>();
  setting.after = in.number<std::uint8_t>();
  return setting;
}

}  // namespace tapewarden::engine

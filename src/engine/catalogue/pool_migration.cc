#include "engine/catalogue/pool_migration.h"

#include "base/text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {

namespace {

Status check_data_pool(std::uint8_t number, std::string_view field) {
  TRY(check_pool_number(number, field));
  if (number != kCommonPool) return {};
  return fail(ErrorCode::kInvalidArgument, "the common pool holds scratch cartridges alone",
              std::string(field), "name a pool of 1 to 32");
}

}  // namespace

std::string_view to_string(PoolMigrationState state) {
  static constexpr std::array<std::string_view, 6> kNames{
      "changing-constructs", "changing-pools", "moving", "taking-back", "finished", "cancelled"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view to_string(MigratedSetting::Kind kind) {
  static constexpr std::array<std::string_view, 4> kNames{"storage-group", "management-class", "reclaim-pool",
                                                          "borrow"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Status check(const PoolMigration& migration) {
  TRY(check_data_pool(migration.source, "source"));
  TRY(check_data_pool(migration.target, "target"));
  if (migration.when == MoveRequest::When::kNone)
    return fail(ErrorCode::kInvalidArgument, "a migration moves cartridges now or when they are eligible",
                "when");
  if (migration.requested_by.size() > kMaximumNoteCharacters || !is_printable(migration.requested_by))
    return fail(ErrorCode::kInvalidArgument, "up to 256 printable ASCII characters", "requested by");
  for (const PoolKeys& keys : {migration.keys, migration.keys_before}) {
    TRY(check_label(keys.labels[0], "label 1"));
    TRY(check_label(keys.labels[1], "label 2"));
    if (keys.key_group.size() > kMaximumKeyGroupCharacters || !is_printable(keys.key_group))
      return fail(ErrorCode::kInvalidArgument, "up to 64 printable ASCII characters", "key group");
  }
  return {};
}

}  // namespace tapewarden::engine

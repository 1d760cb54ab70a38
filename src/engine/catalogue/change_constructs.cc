#include "engine/catalogue/change.h"
#include "engine/catalogue/limits.h"
#include "engine/catalogue/tables.h"

namespace tapewarden::engine {

namespace {

Status has_room(std::size_t count, const std::string& what) {
  if (count < kMaximumConstructs) return {};
  return fail(ErrorCode::kExhausted,
              "there are " + std::to_string(count) + " of them, and there may be no more", what,
              "remove one that no volume has");
}

Status may_go(std::string_view name, std::size_t volumes, const std::string& what) {
  if (name == kDefaultConstruct) {
    return fail(ErrorCode::kConflict, "the default " + what + " stays: it is that of hosts that name none",
                what);
  }
  if (volumes == 0) return {};
  return fail(ErrorCode::kConflict, "volumes have the " + what + " " + std::string(name), what,
              "give them another one first");
}

}  // namespace

Status CatalogueChange::put(const Pool& pool) {
  TRY(check(pool));
  return transaction_.put(kPoolTable, to_row(pool));
}

Status CatalogueChange::put(const StorageGroup& group) {
  TRY(check(group));
  const auto known = TRY(transaction_.get(kStorageGroupTable, {group.name}));
  if (!known) TRY(has_room(TRY(storage_groups()).size(), "storage group"));
  return transaction_.put(kStorageGroupTable, to_row(group));
}

Status CatalogueChange::put(const ManagementClass& management) {
  TRY(check(management));
  const auto known = TRY(transaction_.get(kManagementClassTable, {management.name}));
  if (!known) TRY(has_room(TRY(management_classes()).size(), "management class"));
  return transaction_.put(kManagementClassTable, to_row(management));
}

Status CatalogueChange::remove_storage_group(std::string_view name) {
  const StorageGroup known = TRY(storage_group(name));
  const auto volumes = TRY(query_volumes("storage_group = ? LIMIT 1", {known.name}));
  TRY(may_go(name, volumes.size(), "storage group"));
  return transaction_.erase(kStorageGroupTable, {known.name});
}

Status CatalogueChange::remove_management_class(std::string_view name) {
  const ManagementClass known = TRY(management_class(name));
  const auto volumes = TRY(query_volumes("management_class = ? LIMIT 1", {known.name}));
  TRY(may_go(name, volumes.size(), "management class"));
  return transaction_.erase(kManagementClassTable, {known.name});
}

Status CatalogueChange::put(const StatisticsRecord& record) {
  if (record.began < WallTime{} || record.content.size() > kMaximumStatisticsBytes)
    return fail(ErrorCode::kInvalidArgument, "a record of statistics is too long, or of no time",
                "statistics");
  return transaction_.put(kStatisticsTable, to_row(record));
}

}  // namespace tapewarden::engine

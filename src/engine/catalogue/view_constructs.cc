#include "engine/catalogue/tables.h"
#include "engine/catalogue/view.h"

namespace tapewarden::engine {

using store::Row;

namespace {

std::unexpected<Error> none(const std::string& what, std::string_view name) {
  return fail(ErrorCode::kNotFound, "there is no " + what + " " + std::string(name), what,
              "make it first, or name one that is there");
}

}  // namespace

Result<Pool> CatalogueView::pool(std::uint8_t number) {
  TRY(check_pool_number(number, "pool"));
  const auto row = TRY(reader_.get(kPoolTable, {std::int64_t{number}}));
  if (!row) return none("pool", std::to_string(number));
  return pool_from(*row);
}

Result<std::vector<Pool>> CatalogueView::pools() {
  std::vector<Pool> pools;
  for (const Row& row : TRY(reader_.query(kPoolTable, "ORDER BY number", {})))
    pools.push_back(TRY(pool_from(row)));
  return pools;
}

Result<StorageGroup> CatalogueView::storage_group(std::string_view name) {
  TRY(check_construct_name(name, "storage group"));
  const auto row = TRY(reader_.get(kStorageGroupTable, {std::string(name)}));
  if (!row) return none("storage group", name);
  return storage_group_from(*row);
}

Result<std::vector<StorageGroup>> CatalogueView::storage_groups() {
  std::vector<StorageGroup> groups;
  for (const Row& row : TRY(reader_.query(kStorageGroupTable, "ORDER BY name", {})))
    groups.push_back(storage_group_from(row));
  return groups;
}

Result<ManagementClass> CatalogueView::management_class(std::string_view name) {
  TRY(check_construct_name(name, "management class"));
  const auto row = TRY(reader_.get(kManagementClassTable, {std::string(name)}));
  if (!row) return none("management class", name);
  return management_class_from(*row);
}

Result<std::vector<ManagementClass>> CatalogueView::management_classes() {
  std::vector<ManagementClass> classes;
  for (const Row& row : TRY(reader_.query(kManagementClassTable, "ORDER BY name", {})))
    classes.push_back(management_class_from(row));
  return classes;
}

}  // namespace tapewarden::engine

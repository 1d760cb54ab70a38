#include "engine/operator/migration_settings.h"

#include "base/text.h"
#include "engine/catalogue/limits.h"

namespace tapewarden::engine {
namespace {

using Kind = MigratedSetting::Kind;

// REQUIRES: the name is the number of a pool, as settings_to_change() wrote it.
Result<Pool> pool_named(CatalogueChange& change, const std::string& name) {
  return change.pool(static_cast<std::uint8_t>(TRY(parse_number(name, 0, kMaximumPool, "pool"))));
}

template <typename Value>
Result<bool> replace_in(CatalogueChange& change, Value value, std::uint8_t Value::* member, std::uint8_t from,
                        std::uint8_t to) {
  if (value.*member != from) return false;
  value.*member = to;
  TRY(change.put(value));
  return true;
}

}  // namespace

Result<std::vector<MigratedSetting>> settings_to_change(CatalogueView& view, const Pool& source,
                                                        const Pool& target) {
  std::vector<MigratedSetting> settings;
  const auto to_target = [&](Kind kind, const std::string& name, std::uint8_t before) {
    settings.push_back({kind, name, before, target.number});
  };
  for (const StorageGroup& group : TRY(view.storage_groups()))
    if (group.pool == source.number) to_target(Kind::kStorageGroup, group.name, group.pool);
  for (const ManagementClass& management : TRY(view.management_classes()))
    if (management.pool == source.number) to_target(Kind::kManagementClass, management.name, management.pool);
  for (const Pool& pool : TRY(view.pools())) {
    const bool own = pool.number == source.number;
    if (own ? pool.reclaim_pool != target.number : pool.reclaim_pool == source.number)
      to_target(Kind::kReclaimPool, std::to_string(pool.number), pool.reclaim_pool);
  }
  if (source.borrow == Borrow::kBorrowAndKeep)
    settings.push_back({Kind::kBorrow, std::to_string(source.number),
                        static_cast<std::uint8_t>(Borrow::kBorrowAndKeep),
                        static_cast<std::uint8_t>(Borrow::kBorrowAndReturn)});
  return settings;
}

Result<bool> replace_setting(CatalogueChange& change, const MigratedSetting& setting, std::uint8_t from,
                             std::uint8_t to) {
  switch (setting.kind) {
    case Kind::kStorageGroup:
      return replace_in(change, TRY(change.storage_group(setting.name)), &StorageGroup::pool, from, to);
    case Kind::kManagementClass:
      return replace_in(change, TRY(change.management_class(setting.name)), &ManagementClass::pool, from, to);
    case Kind::kReclaimPool:
      return replace_in(change, TRY(pool_named(change, setting.name)), &Pool::reclaim_pool, from, to);
    case Kind::kBorrow:
      break;
  }
  auto pool = TRY(pool_named(change, setting.name));
  if (static_cast<std::uint8_t>(pool.borrow) != from) return false;
  pool.borrow = static_cast<Borrow>(to);
  TRY(change.put(pool));
  return true;
}

}  // namespace tapewarden::engine

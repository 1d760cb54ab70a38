#include "engine/operator/construct_orders.h"

#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/operator/clear_refusal.h"

namespace tapewarden::engine {
namespace {

enum class Expected : std::uint8_t { kNew, kKnown };

template <typename Construct>
Construct applied(Construct construct, const ConstructChange& settings) {
  if (settings.pool) construct.pool = *settings.pool;
  if (settings.description) construct.description = *settings.description;
  return construct;
}

Status check_clear(CatalogueView& view, const std::string& what, std::uint8_t before, std::uint8_t after) {
  if (before == kCommonPool || after == kCommonPool) return {};  // no copy
  const auto home = TRY(view.pool(before));
  const auto target = TRY(view.pool(after));
  return needs_clear_leave(home, target) ? refuse_clear(what, home, target, "pool") : Status();
}

// A class that had no second copies gets some: of volumes whose storage group encrypts, too.
Status check_new_copies(CatalogueView& view, const std::string& name, std::uint8_t after) {
  const auto target = TRY(view.pool(after));
  for (const auto& group : TRY(view.storage_groups())) {
    const auto home = TRY(view.pool(group.pool));
    if (!needs_clear_leave(home, target)) continue;
    Page<LogicalVolume> page;
    do {
      page = TRY(view.volumes({.storage_group = group.name}, {.limit = kMaximumPage, .after = page.next}));
      const auto found = std::ranges::find(page.items, name, &LogicalVolume::management_class);
      if (found != page.items.end())
        return refuse_clear("the logical volume " + found->volser + " of the management class " + name, home,
                            target, "pool");
    } while (!page.next.empty());
  }
  return {};
}

Status check_clear(CatalogueView& view, const StorageGroup& before, const StorageGroup& after) {
  return check_clear(view, "the storage group " + before.name, before.pool, after.pool);
}
Status check_clear(CatalogueView& view, const ManagementClass& before, const ManagementClass& after) {
  if (before.pool == kCommonPool && after.pool != kCommonPool)
    return check_new_copies(view, before.name, after.pool);
  return check_clear(view, "the management class " + before.name, before.pool, after.pool);
}

// What the two sorts of constructs have in common: made or changed in one transaction.
template <typename Construct>
Result<Construct> put(const OperatorParts& parts, const std::string& name, const ConstructChange& settings,
                      Expected expected, std::string_view what,
                      const std::function<Result<std::vector<Construct>>(CatalogueView&)>& list) {
  Construct done;
  TRY(parts.catalogue.change([&](CatalogueChange& change) -> Status {
    const auto all = TRY(list(change));
    const auto known = std::ranges::find(all, name, &Construct::name);
    if (expected == Expected::kNew && known != all.end())
      return fail(ErrorCode::kAlreadyExists, "there is a " + std::string(what) + " " + name, "name",
                  "modify it, or choose another name");
    if (expected == Expected::kKnown && known == all.end()) {
      TRY(check_construct_name(name, "name"));
      return fail(ErrorCode::kNotFound, "there is no " + std::string(what) + " " + name, "name",
                  "add it, or look at the list");
    }
    Construct construct;
    construct.name = name;
    done = applied(expected == Expected::kNew ? construct : *known, settings);
    TRY(check(done));
    if (expected == Expected::kKnown && settings.leave == ClearLeave::kNo)
      TRY(check_clear(change, *known, done));
    return change.put(done);
  }));
  parts.wake_up();
  return done;
}

Result<StorageGroup> put_group(const OperatorParts& parts, const std::string& name,
                               const ConstructChange& settings, Expected expected) {
  return put<StorageGroup>(parts, name, settings, expected, "storage group",
                           [](CatalogueView& view) { return view.storage_groups(); });
}

Result<ManagementClass> put_management(const OperatorParts& parts, const std::string& name,
                                       const ConstructChange& settings, Expected expected) {
  return put<ManagementClass>(parts, name, settings, expected, "management class",
                              [](CatalogueView& view) { return view.management_classes(); });
}

}  // namespace

Result<StorageGroup> add_storage_group(const OperatorParts& parts, const std::string& name,
                                       const ConstructChange& settings) {
  return put_group(parts, name, settings, Expected::kNew);
}

Result<ManagementClass> add_management_class(const OperatorParts& parts, const std::string& name,
                                             const ConstructChange& settings) {
  return put_management(parts, name, settings, Expected::kNew);
}

Result<StorageGroup> modify_storage_group(const OperatorParts& parts, const std::string& name,
                                          const ConstructChange& settings) {
  return put_group(parts, name, settings, Expected::kKnown);
}

Result<ManagementClass> modify_management_class(const OperatorParts& parts, const std::string& name,
                                                const ConstructChange& settings) {
  return put_management(parts, name, settings, Expected::kKnown);
}

Status remove_storage_group(const OperatorParts& parts, const std::string& name) {
  return parts.catalogue.change([&](CatalogueChange& change) { return change.remove_storage_group(name); });
}

Status remove_management_class(const OperatorParts& parts, const std::string& name) {
  return parts.catalogue.change(
      [&](CatalogueChange& change) { return change.remove_management_class(name); });
}

}  // namespace tapewarden::engine

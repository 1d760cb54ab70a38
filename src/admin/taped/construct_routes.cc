// Storage groups and management classes (T2).
#include "admin/taped/engine_support.h"
#include "engine/operator/construct_orders.h"

namespace tapewarden::admin {
namespace {

using engine::ConstructChange;
using engine::ManagementClass;
using engine::OperatorParts;
using engine::StorageGroup;

// What the routes of one sort of construct call.
template <typename Construct>
struct Sort {
  std::string_view path;       // "/v1/storage-groups"
  std::string_view with_name;  // "/v1/storage-groups/{name}"
  std::string_view noun;
  std::string_view actions[3];  // audit: add, modify, remove
  Result<std::vector<Construct>> (engine::CatalogueView::*list)();
  Result<Construct> (*add)(const OperatorParts&, const std::string&, const ConstructChange&);
  Result<Construct> (*modify)(const OperatorParts&, const std::string&, const ConstructChange&);
  Status (*remove)(const OperatorParts&, const std::string&);
};

constexpr Sort<StorageGroup> kStorageGroups{
    "/v1/storage-groups",
    "/v1/storage-groups/{name}",
    "storage groups",
    {"storage-group.add", "storage-group.modify", "storage-group.remove"},
    &engine::CatalogueView::storage_groups,
    engine::add_storage_group,
    engine::modify_storage_group,
    engine::remove_storage_group};
constexpr Sort<ManagementClass> kManagementClasses{
    "/v1/management-classes",
    "/v1/management-classes/{name}",
    "management classes",
    {"management-class.add", "management-class.modify", "management-class.remove"},
    &engine::CatalogueView::management_classes,
    engine::add_management_class,
    engine::modify_management_class,
    engine::remove_management_class};

template <typename Construct>
json::object to_json(const Construct& construct) {
  return {{"name", construct.name}, {"pool", construct.pool}, {"description", construct.description}};
}

Result<ConstructChange> settings_of(const Arguments& arguments) {
  return ConstructChange{.pool = TRY(pool_in(arguments, "pool")),
                         .description = arguments.optional_text("description"),
                         .leave = arguments.flag(kAllowClear.name).value_or(false) ? engine::ClearLeave::kYes
                                                                                   : engine::ClearLeave::kNo};
}

template <typename Construct>
EngineHandler list(const Sort<Construct>& sort) {
  return [sort](const TapedServices&, const EngineServices& engine, const Request&) -> Result<Answer> {
    json::array items;
    TRY(engine.parts.catalogue.read([&](engine::CatalogueView& view) -> Status {
      items.clear();
      for (const auto& construct : TRY((view.*sort.list)())) items.push_back(to_json(construct));
      return {};
    }));
    return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
  };
}

template <typename Construct>
EngineHandler put(const Sort<Construct>& sort, bool added) {
  return [sort, added](const TapedServices& services, const EngineServices& engine,
                       const Request& request) -> Result<Answer> {
    const auto settings = TRY(settings_of(request.arguments));
    return change(services, request, sort.actions[added ? 0 : 1],
                  {{"settings", request.arguments.described()}}, [&]() -> Result<json::object> {
                    const auto name = construct_name(request.arguments.text("name"));
                    auto body = to_json(TRY((added ? sort.add : sort.modify)(engine.parts, name, settings)));
                    body["notes"] = texts({std::string(engine::kConstructsTakeEffect)});
                    return body;
                  });
  };
}

template <typename Construct>
EngineHandler remove(const Sort<Construct>& sort) {
  return [sort](const TapedServices& services, const EngineServices& engine,
                const Request& request) -> Result<Answer> {
    const auto name = construct_name(request.arguments.text("name"));
    return change(services, request, sort.actions[2], {{"name", name}}, [&]() -> Result<json::object> {
      TRY(sort.remove(engine.parts, name));
      return json::object{{"name", name}, {"removed", true}};
    });
  };
}

std::vector<FieldSpec> fields(bool added) {
  std::vector<FieldSpec> out{
      {.name = "pool",
       .type = FieldType::kInteger,
       .meaning = "the pool of copies: 1 to 32; of a management class 0 for no second copy"},
      {.name = "description", .meaning = "for people", .limit = 256}};
  if (!added) out.push_back(kAllowClear);
  if (added)
    out.push_back(
        {.name = "name", .required = true, .meaning = "1 to 8 of A-Z, 0-9, $, @ and #", .limit = 8});
  return out;
}

template <typename Construct>
void add_routes(std::vector<Route>& routes, const TapedServices& services, const Sort<Construct>& sort) {
  constexpr auto kMay = Permission::kChangeSettings;
  routes.push_back(engine_look(services, sort.path, sort.noun, "List them with the pools that they name.", {},
                               "Names, pools, descriptions.", list(sort)));
  routes.push_back(engine_order(services, "POST", sort.path, kMay, sort.noun, "Add one.", fields(true),
                                "The new one, and when it counts.", put(sort, true)));
  routes.push_back(engine_order(services, "PATCH", sort.with_name, kMay, sort.noun,
                                "Change one; what is left out stays.", fields(false),
                                "It as it is now, and when that counts.", put(sort, false)));
  routes.push_back(engine_order(services, "DELETE", sort.with_name, kMay, sort.noun,
                                "Remove one that no volume has.", {}, "Its name.", remove(sort)));
}

}  // namespace

std::vector<Route> construct_routes(const TapedServices& services) {
  std::vector<Route> routes;
  add_routes(routes, services, kStorageGroups);
  add_routes(routes, services, kManagementClasses);
  return routes;
}

}  // namespace tapewarden::admin

#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "base/counted.h"
#include "keymgr/names_there.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

std::vector<FieldSpec> spec_fields() {
  return {{.name = "policy",
           .meaning = "use-once: a key begins one cartridge; round-robin: keys are used in turn",
           .choices = {"use-once", "round-robin"}},
          {.name = "keys_ahead",
           .type = FieldType::kInteger,
           .meaning = "unused keys that each server keeps ready; 0: none are made by themselves"},
          {.name = "alias_prefix", .meaning = "three letters for the keys made by themselves", .limit = 3}};
}

// What is left out stays as in `spec`.
Result<keymgr::GroupSpec> spec_of(const Arguments& arguments, keymgr::GroupSpec spec) {
  if (const auto policy = arguments.optional_text("policy")) {
    spec.policy = TRY(keymgr::parse_group_policy(*policy));
  }
  if (const auto ahead = arguments.integer("keys_ahead")) spec.keys_ahead = *ahead;
  if (const auto prefix = arguments.optional_text("alias_prefix")) spec.alias_prefix = *prefix;
  return spec;
}

Result<Answer> show(KeyManager& manager, const std::string& name, unsigned status = 200) {
  return json_answer(to_json(TRY(manager.group(name))), status);
}

Result<Answer> create(KeyManager& manager, const Request& request) {
  const std::string& name = request.arguments.text("name");
  TRY(manager.create_group(actor_of(request.principal), name, TRY(spec_of(request.arguments, {}))));
  return show(manager, name, 201);
}

Result<Answer> modify(KeyManager& manager, const Request& request) {
  const std::string& name = request.arguments.text("name");
  const auto now = TRY(manager.group(name)).group;
  const auto spec = TRY(spec_of(request.arguments, {now.policy, now.keys_ahead, now.alias_prefix}));
  TRY(manager.modify_group(actor_of(request.principal), name, spec));
  return show(manager, name);
}

// Whoever writes with the group by name, a pool of a tape engine for example, gets no key any more.
Result<Answer> remove(KeyManager& manager, const Request& request) {
  const auto group = TRY(manager.group(request.arguments.text("name"))).group;
  const auto unused = TRY(keymgr::unused_keys_of(manager, group.name));
  if (!group.default_write && unused > 0 && !request.arguments.flag("yes").value_or(false))
    return fail(ErrorCode::kConflict,
                "the group " + group.name + " has " + counted(static_cast<std::uint64_t>(unused), "key") +
                    " that could still begin cartridges",
                "yes", "say yes if nothing writes with it any more, no drive and no pool");
  TRY(manager.remove_group(actor_of(request.principal), group.name));
  return json_answer(json::object{{"deleted", group.name}, {"unused_keys_in_no_group", unused}});
}

void add_member_routes(RouteTable& table, KeyManager& manager) {
  const FieldSpec alias{.name = "alias", .required = true, .meaning = "the data key's alias", .limit = 64};
  table.add("POST", "/v1/groups/{name}/keys", Permission::kChangeGroups, "Add a data key to a group.",
            {alias}, "The group.", [&manager](const Request& request) -> Result<Answer> {
              const std::string& name = request.arguments.text("name");
              TRY(manager.add_alias(actor_of(request.principal), name, request.arguments.text("alias")));
              return show(manager, name);
            });
  table.add("DELETE", "/v1/groups/{name}/keys/{alias}", Permission::kChangeGroups,
            "Take a data key out of a group; the key stays.", {}, "",
            [&manager](const Request& request) -> Result<Answer> {
              TRY(manager.remove_alias(actor_of(request.principal), request.arguments.text("name"),
                                       request.arguments.text("alias")));
              return empty_answer();
            });
  table.add("POST", "/v1/groups/{name}/move", Permission::kChangeGroups,
            "Move a data key from this group to another.",
            {alias, {.name = "to", .required = true, .meaning = "the group that it joins", .limit = 64}},
            "The group that it joined.", [&manager](const Request& request) -> Result<Answer> {
              const Arguments& arguments = request.arguments;
              TRY(manager.move_alias(actor_of(request.principal), arguments.text("alias"),
                                     arguments.text("name"), arguments.text("to")));
              return show(manager, arguments.text("to"));
            });
}

}  // namespace

std::vector<Route> group_routes(KeyManager& manager) {
  RouteTable table("group");
  table.add("GET", "/v1/groups", Permission::kView, "List the key groups with their supply.", {},
            "All groups.", [&manager](const Request&) -> Result<Answer> {
              json::array items;
              for (const auto& status : TRY(manager.list_groups())) items.push_back(to_json(status));
              return json_answer(json::object{{"items", std::move(items)}});
            });
  auto fields = spec_fields();
  fields.insert(fields.begin(),
                {.name = "name", .required = true, .meaning = "the group's name", .limit = 64});
  table.add("POST", "/v1/groups", Permission::kChangeGroups, "Create a key group.", fields, "The group.",
            [&manager](const Request& request) { return create(manager, request); });
  table.add("GET", "/v1/groups/{name}", Permission::kView, "Show one key group.", {}, "The group.",
            [&manager](const Request& request) { return show(manager, request.arguments.text("name")); });
  table.add("PATCH", "/v1/groups/{name}", Permission::kChangeGroups,
            "Change a key group; what is left out stays.", spec_fields(), "The group.",
            [&manager](const Request& request) { return modify(manager, request); });
  table.add("DELETE", "/v1/groups/{name}", Permission::kChangeGroups,
            "Delete a key group; its keys stay and belong to none. Refused while it has keys that could "
            "still begin cartridges, unless said.",
            {{.name = "yes",
              .type = FieldType::kFlag,
              .meaning = "really, also while it has keys that were not used"}},
            "Its name, and how many keys belong to no group now.",
            [&manager](const Request& request) { return remove(manager, request); });
  table.add("PUT", "/v1/groups/{name}/default", Permission::kChangeGroups,
            "Make it the default group for writing.", {}, "The group.",
            [&manager](const Request& request) -> Result<Answer> {
              const std::string& name = request.arguments.text("name");
              TRY(manager.set_default_group(actor_of(request.principal), name));
              return show(manager, name);
            });
  add_member_routes(table, manager);
  return table.take();
}

}  // namespace tapewarden::admin

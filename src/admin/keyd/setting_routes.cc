#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/names_there.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

json::object describe(const std::string& name, const std::string& value) {
  json::object item{{"name", name}, {"value", value}};
  for (const keymgr::SettingInfo& info : keymgr::setting_infos()) {
    if (info.name != name) continue;
    json::array choices;
    for (const auto choice : info.choices) choices.emplace_back(choice);
    item["default"] = info.default_value;
    item["choices"] = std::move(choices);
    item["meaning"] = info.meaning;
  }
  return item;
}

Result<Answer> list(KeyManager& manager) {
  json::array items;
  for (const auto& [name, value] : TRY(manager.list_settings())) items.push_back(describe(name, value));
  return json_answer(json::object{{"items", std::move(items)}});
}

Result<Answer> show(KeyManager& manager, const std::string& wanted) {
  for (const auto& [name, value] : TRY(manager.list_settings())) {
    if (name == wanted) return json_answer(describe(name, value));
  }
  return fail(ErrorCode::kNotFound, "there is no such setting", "name",
              "list the settings to see their names");
}

// Routes of their own, because switching off what holds a lone officer back takes two (K22). A fixed segment
// goes before {name}.
void add_two_person_routes(RouteTable& table, KeyManager& manager) {
  const auto matter = [](const Request&) -> Result<Matter> { return Matter{}; };
  table.add_two_person(
      "PUT", "/v1/settings/approval.two_person", Permission::kChangeSettings,
      "Switch two-person approval on or off.",
      {{.name = "value", .required = true, .meaning = "on or off", .choices = {"on", "off"}}}, "The setting.",
      matter, [&manager](const Request& request) -> Result<Answer> {
        TRY(manager.set_setting(actor_of(request.principal), keymgr::kTwoPerson,
                                request.arguments.text("value"), consent_of(request)));
        return show(manager, std::string(keymgr::kTwoPerson));
      });
}

}  // namespace

std::vector<Route> setting_routes(KeyManager& manager) {
  RouteTable table("setting");
  add_two_person_routes(table, manager);
  table.add("GET", "/v1/settings", Permission::kView, "List the settings in force.", {},
            "Every setting with its value, default, choices and meaning.",
            [&manager](const Request&) { return list(manager); });
  table.add("GET", "/v1/settings/{name}", Permission::kView, "Show one setting.", {}, "The setting.",
            [&manager](const Request& request) { return show(manager, request.arguments.text("name")); });
  table.add("PUT", "/v1/settings/{name}", Permission::kChangeSettings, "Change a setting.",
            {{.name = "value",
              .required = true,
              .meaning = "the new value",
              .limit = keymgr::kMaximumSettingCharacters}},
            "The setting.", [&manager](const Request& request) -> Result<Answer> {
              const std::string& name = request.arguments.text("name");
              const std::string& value = request.arguments.text("value");
              if (name == keymgr::kDefaultLabel1 || name == keymgr::kDefaultLabel2)
                TRY(keymgr::check_label_there(manager, value, name));
              TRY(manager.set_setting(actor_of(request.principal), name, value));
              return show(manager, name);
            });
  table.add("DELETE", "/v1/settings/{name}", Permission::kChangeSettings,
            "Put a setting back to its default.", {}, "The setting.",
            [&manager](const Request& request) -> Result<Answer> {
              const std::string& name = request.arguments.text("name");
              TRY(manager.unset_setting(actor_of(request.principal), name));
              return show(manager, name);
            });
  return table.take();
}

}  // namespace tapewarden::admin

// Quotas by REST (K27).
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/names_there.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

json::object to_json(const keymgr::Quota& quota) {
  return {{"id", quota.id.text()},          {"subject_kind", keymgr::to_string(quota.subject_kind)},
          {"subject", quota.subject},       {"object_kind", keymgr::to_string(quota.object_kind)},
          {"object", quota.object},         {"writes_hour", quota.writes_hour},
          {"writes_day", quota.writes_day}, {"reads_hour", quota.reads_hour},
          {"reads_day", quota.reads_day},   {"added", time_text(quota.added)}};
}

Result<Answer> list(KeyManager& manager) {
  json::array items;
  for (const auto& use : TRY(manager.list_quotas())) {
    json::object item = to_json(use.quota);
    item["used"] = json::object{{"writes_hour", use.writes_hour},
                                {"writes_day", use.writes_day},
                                {"reads_hour", use.reads_hour},
                                {"reads_day", use.reads_day}};
    items.push_back(std::move(item));
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

Result<Answer> add(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  keymgr::Quota quota;
  quota.subject_kind = TRY(keymgr::parse_subject_kind(arguments.text("subject_kind")));
  quota.subject = arguments.text_or("subject", "");
  quota.object_kind = TRY(keymgr::parse_object_kind(arguments.text("object_kind")));
  quota.object = arguments.text_or("object", "");
  TRY(keymgr::check_object_there(manager, quota.object_kind, quota.object));
  quota.writes_hour = arguments.integer("writes_hour").value_or(0);
  quota.writes_day = arguments.integer("writes_day").value_or(0);
  quota.reads_hour = arguments.integer("reads_hour").value_or(0);
  quota.reads_day = arguments.integer("reads_day").value_or(0);
  return json_answer(to_json(TRY(manager.add_quota(actor_of(request.principal), quota))), 201);
}

Result<Answer> remove(KeyManager& manager, const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (!id)
    return fail(ErrorCode::kNotFound, "no quota has this id", "id", "list the quotas to see their ids");
  TRY(manager.remove_quota(actor_of(request.principal), *id));
  return empty_answer();
}

FieldSpec limit(std::string_view name, std::string_view meaning) {
  return {.name = name, .type = FieldType::kInteger, .meaning = meaning};
}

}  // namespace

std::vector<Route> quota_routes(KeyManager& manager) {
  RouteTable table("quota");
  table.add("GET", "/v1/quotas", Permission::kView, "List the quotas, with what is used of each now.", {},
            "All quotas.", [&manager](const Request&) { return list(manager); });
  table.add("POST", "/v1/quotas", Permission::kChangeAccess,
            "Limit the writes begun and the distinct volumes read in an hour and a day.",
            {{.name = "subject_kind",
              .required = true,
              .meaning = "whom it counts",
              .choices = {"any", "drive", "proxy", "partition", "client"}},
             {.name = "subject",
              .meaning = "serial, certificate fingerprint or name; left out for any",
              .limit = 128},
             {.name = "object_kind",
              .required = true,
              .meaning = "what it counts",
              .choices = {"any", "group", "label"}},
             {.name = "object", .meaning = "the group or label; left out for any", .limit = 64},
             limit("writes_hour", "writes begun in an hour"),
             limit("writes_day", "writes begun in a day"),
             limit("reads_hour", "distinct volumes read or appended to in an hour"),
             limit("reads_day", "distinct volumes read or appended to in a day")},
            "The quota.", [&manager](const Request& request) { return add(manager, request); });
  table.add("DELETE", "/v1/quotas/{id}", Permission::kChangeAccess, "Remove a quota.", {}, "",
            [&manager](const Request& request) { return remove(manager, request); });
  return table.take();
}

}  // namespace tapewarden::admin

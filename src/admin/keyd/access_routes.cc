#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"
#include "crypto/certificate.h"
#include "keymgr/names_there.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

Result<Answer> add_rule(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  keymgr::AccessRule rule;
  rule.subject_kind = TRY(keymgr::parse_subject_kind(arguments.text("subject_kind")));
  rule.subject = arguments.text_or("subject", "");
  rule.object_kind = TRY(keymgr::parse_object_kind(arguments.text("object_kind")));
  rule.object = arguments.text_or("object", "");
  TRY(keymgr::check_object_there(manager, rule.object_kind, rule.object));
  rule.may_write = arguments.flag("write").value_or(false);
  rule.may_read = arguments.flag("read").value_or(false);
  return json_answer(to_json(TRY(manager.add_access_rule(actor_of(request.principal), rule))), 201);
}

Result<Answer> remove_rule(KeyManager& manager, const Request& request) {
  const auto id = Uuid::parse(request.arguments.text("id"));
  if (!id) return fail(ErrorCode::kNotFound, "no rule has this id", "id", "list the rules to see their ids");
  TRY(manager.remove_access_rule(actor_of(request.principal), *id));
  return empty_answer();
}

Result<Answer> list_proxies(KeyManager& manager) {
  json::array items;
  for (const auto& proxy : TRY(manager.list_proxies())) items.push_back(to_json(proxy));
  return json_answer(json::object{{"items", std::move(items)}});
}

// By fingerprint, or by the certificate itself.
Result<Hash256> proxy_of(const Arguments& arguments) {
  if (const auto text = arguments.optional_text("fingerprint")) return parse_hash(*text, "fingerprint");
  if (const auto pem = arguments.optional_text("certificate")) {
    return TRY(crypto::Certificate::from_pem(*pem)).fingerprint();
  }
  return fail(ErrorCode::kInvalidArgument, "the proxy is not named", "fingerprint",
              "give its certificate, or the certificate's SHA-256");
}

Result<Answer> allow_proxy(KeyManager& manager, const Request& request) {
  const Arguments& arguments = request.arguments;
  const Hash256 proxy = TRY(proxy_of(arguments));
  TRY(manager.allow_proxy(actor_of(request.principal), proxy, arguments.text("name"),
                          arguments.text("serial")));
  json::object answer{
      {"fingerprint", to_hex(proxy)}, {"name", arguments.text("name")}, {"serial", arguments.text("serial")}};
  // A proxy may be allowed before its drive was ever seen.
  if (const auto drive = manager.drive(arguments.text("serial"));
      !drive && drive.error().code == ErrorCode::kNotFound)
    answer["warning"] = "the drive table has no drive with this serial yet: look at it if none is to come";
  return json_answer(std::move(answer), 201);
}

void add_proxy_routes(RouteTable& table, KeyManager& manager) {
  table.add("GET", "/v1/proxies", Permission::kView, "List the proxies and the drives they may speak for.",
            {}, "Every pair of proxy and drive.",
            [&manager](const Request&) { return list_proxies(manager); });
  table.add("POST", "/v1/proxies", Permission::kChangeAccess, "Let a proxy speak for a drive.",
            {{.name = "fingerprint", .meaning = "the SHA-256 of the proxy's certificate", .limit = 80},
             {.name = "certificate", .meaning = "instead: the proxy's certificate, PEM", .limit = kPemLimit},
             {.name = "name",
              .required = true,
              .meaning = "the proxy's name, for people",
              .limit = keymgr::kMaximumProxyNameCharacters},
             {.name = "serial", .required = true, .meaning = "the drive's serial", .limit = 12}},
            "The pair.", [&manager](const Request& request) { return allow_proxy(manager, request); });
  table.add("DELETE", "/v1/proxies/{fingerprint}/{serial}", Permission::kChangeAccess,
            "No longer let a proxy speak for a drive.", {}, "",
            [&manager](const Request& request) -> Result<Answer> {
              const Hash256 proxy = TRY(parse_hash(request.arguments.text("fingerprint"), "fingerprint"));
              TRY(manager.forbid_proxy(actor_of(request.principal), proxy, request.arguments.text("serial")));
              return empty_answer();
            });
}

}  // namespace

std::vector<Route> access_routes(KeyManager& manager) {
  RouteTable table("access");
  table.add("GET", "/v1/access", Permission::kView, "List the access rules.", {limit_field(), after_field()},
            "A page of rules.", [&manager](const Request& request) -> Result<Answer> {
              const auto page = TRY(manager.list_access_rules(TRY(page_of(request.arguments))));
              return page_answer(page, [](const keymgr::AccessRule& rule) { return to_json(rule); });
            });
  table.add("POST", "/v1/access", Permission::kChangeAccess,
            "Add a rule; the first rule for a group or label closes it to all others.",
            {{.name = "subject_kind",
              .required = true,
              .meaning = "whom it is about",
              .choices = {"any", "drive", "proxy", "partition", "client"}},
             {.name = "subject",
              .meaning = "the drive's serial, the proxy's fingerprint, the partition's or KMIP client's name",
              .limit = 128},
             {.name = "object_kind",
              .required = true,
              .meaning = "what it is about",
              .choices = {"any", "group", "label"}},
             {.name = "object", .meaning = "the group's or label's name", .limit = 64},
             {.name = "write", .type = FieldType::kFlag, .meaning = "may write with it"},
             {.name = "read", .type = FieldType::kFlag, .meaning = "may read with it"}},
            "The rule.", [&manager](const Request& request) { return add_rule(manager, request); });
  table.add("DELETE", "/v1/access/{id}", Permission::kChangeAccess, "Delete a rule.", {}, "",
            [&manager](const Request& request) { return remove_rule(manager, request); });
  add_proxy_routes(table, manager);
  return table.take();
}

}  // namespace tapewarden::admin

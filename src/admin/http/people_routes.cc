#include "admin/http/json_answer.h"
#include "admin/http/session_routes.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Permission;

json::object to_json(const people::Person& person) {
  return {{"name", person.name},
          {"role", people::to_string(person.role)},
          {"disabled", person.disabled},
          {"has_password", person.has_password},
          {"certificate_fingerprint", person.certificate_fingerprint},
          {"created", format_utc(person.created)},
          {"password_changed", person.has_password ? format_utc(person.password_changed) : ""}};
}

Result<Hash256> parse_fingerprint(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != std::tuple_size_v<Hash256>) {
    return fail(ErrorCode::kInvalidArgument, "this is not a certificate's fingerprint",
                "certificate_fingerprint", "give the SHA-256 of its DER form as 64 hex digits");
  }
  Hash256 hash{};
  copy_bytes(hash, *bytes);
  return hash;
}

Result<Answer> list(people::People& people) {
  json::array items;
  for (const auto& person : TRY(people.list())) items.push_back(to_json(person));
  return json_answer(json::object{{"items", std::move(items)}});
}

Result<Answer> show(people::People& people, std::string_view name) {
  return json_answer(to_json(TRY(people.find(name))));
}

Result<Answer> create(people::People& people, const Request& request) {
  const Arguments& arguments = request.arguments;
  people::NewPerson person;
  person.name = arguments.text("name");
  person.role = TRY(people::parse_role(arguments.text("role")));
  person.password = arguments.optional_secret("password");
  if (const auto text = arguments.optional_text("certificate_fingerprint")) {
    person.certificate_fingerprint = TRY(parse_fingerprint(*text));
  }
  TRY(people.create(request.principal, person));
  return json_answer(to_json(TRY(people.find(person.name))), 201);
}

Result<Answer> change(people::People& people, const Request& request) {
  const Arguments& arguments = request.arguments;
  people::PersonChange change;
  if (const auto role = arguments.optional_text("role")) change.role = TRY(people::parse_role(*role));
  change.disabled = arguments.flag("disabled");
  if (const auto text = arguments.optional_text("certificate_fingerprint")) {
    change.certificate_fingerprint = text->empty() ? Bytes{} : to_bytes(TRY(parse_fingerprint(*text)));
  }
  TRY(people.change(request.principal, arguments.text("name"), change));
  return show(people, arguments.text("name"));
}

FieldSpec role_field(bool required) {
  return {.name = "role",
          .required = required,
          .meaning = "what the person may do",
          .choices = {"security-officer", "operator", "auditor"}};
}

FieldSpec fingerprint_field() {
  return {.name = "certificate_fingerprint",
          .meaning = "the SHA-256 of the person's client certificate, 64 hex digits; empty takes it away",
          .limit = 64};
}

FieldSpec password_field(std::string_view name, bool required, std::string_view meaning) {
  return {.name = name,
          .type = FieldType::kSecret,
          .required = required,
          .meaning = meaning,
          .limit = people::kPasswordLimit};
}

}  // namespace

std::vector<Route> people_routes(people::People& people) {
  std::vector<Route> routes;
  const auto add = [&](std::string_view method, std::string_view pattern, Permission permission,
                       std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
                       Handler handler) {
    routes.push_back(
        {method, pattern, permission, "people", summary, std::move(fields), answer, std::move(handler)});
  };
  add("GET", "/v1/people", Permission::kView, "List the people.", {}, "All accounts, without secrets.",
      [&people](const Request&) { return list(people); });
  add("POST", "/v1/people", Permission::kManagePeople, "Make an account.",
      {{.name = "name", .required = true, .meaning = "the name to log in with", .limit = people::kNameLimit},
       role_field(true),
       password_field("password", false, "the first password, 12 characters or more"),
       fingerprint_field()},
      "The account.", [&people](const Request& request) { return create(people, request); });
  add("GET", "/v1/people/{name}", Permission::kView, "Show one account.", {}, "The account.",
      [&people](const Request& request) { return show(people, request.arguments.text("name")); });
  add("PATCH", "/v1/people/{name}", Permission::kManagePeople,
      "Change role, certificate, or whether it is disabled; ends the person's sessions.",
      {role_field(false),
       {.name = "disabled", .type = FieldType::kFlag, .meaning = "true: the person cannot log in"},
       fingerprint_field()},
      "The account.", [&people](const Request& request) { return change(people, request); });
  add("DELETE", "/v1/people/{name}", Permission::kManagePeople, "Remove an account.", {}, "",
      [&people](const Request& request) -> Result<Answer> {
        TRY(people.remove(request.principal, request.arguments.text("name")));
        return empty_answer();
      });
  add("PUT", "/v1/people/{name}/password", Permission::kOwnAccount,
      "Set a password: the own one with the current one, that of another as a security officer.",
      {password_field("password", true, "the new password, 12 characters or more"),
       password_field("current_password", false, "the own current password")},
      "", [&people](const Request& request) -> Result<Answer> {
        TRY(people.set_password(request.principal, request.arguments.text("name"),
                                request.arguments.secret("password"),
                                request.arguments.optional_secret("current_password")));
        return empty_answer();
      });
  return routes;
}

}  // namespace tapewarden::admin

#include "admin/http/session_routes.h"

#include "admin/http/json_answer.h"

namespace tapewarden::admin {
namespace {

namespace json = boost::json;
using people::Permission;

json::object session_json(const people::Principal& principal, std::string_view program) {
  json::array permissions;
  for (int i = 0; i <= static_cast<int>(people::kLastPermission); ++i) {
    const auto permission = static_cast<Permission>(i);
    if (principal.may(permission)) permissions.emplace_back(people::to_string(permission));
  }
  return {{"name", principal.name},
          {"role", people::to_string(principal.role)},
          {"method", people::to_string(principal.method)},
          {"permissions", std::move(permissions)},
          {"program", program}};
}

// The one answer that holds a secret: built without a JSON value, so that the token is in the body alone.
Answer login_answer(const people::Login& login, std::string_view program) {
  json::object rest = session_json(login.principal, program);
  rest["idle_seconds"] = login.idle_limit.count();
  rest["absolute_seconds"] = login.absolute_limit.count();
  const std::string text = json::serialize(rest);
  ByteWriter body;
  body.text("{\"token\":\"").bytes(login.token.reveal()).text("\",").text(std::string_view(text).substr(1));
  return {200, "application/json", body.take()};
}

std::string source_of(const Request& request) {
  return request.connection != nullptr ? request.connection->remote_address : "";
}

Result<Answer> log_in(people::People& people, const Request& request, std::string_view program) {
  const auto login = TRY(people.log_in(request.arguments.text("name"), request.arguments.secret("password"),
                                       source_of(request)));
  return login_answer(login, program);
}

Result<Answer> log_in_with_certificate(people::People& people, const Request& request,
                                       std::string_view program) {
  if (request.connection == nullptr || !request.connection->peer.has_certificate()) {
    return fail(ErrorCode::kUnauthenticated, "the connection shows no client certificate", "certificate",
                "connect with the person's certificate and key");
  }
  const net::PeerInfo& peer = request.connection->peer;
  if (peer.expired || peer.not_yet_valid) {
    return fail(ErrorCode::kUnauthenticated, "the client certificate is outside its time", "certificate",
                "renew it, or log in with a password");
  }
  const auto login = TRY(people.log_in_with_certificate(peer.fingerprint, source_of(request)));
  return login_answer(login, program);
}

}  // namespace

std::vector<Route> session_routes(people::People& people, std::function<bool()> ready,
                                  std::string_view program) {
  std::vector<Route> routes;
  routes.push_back(
      {.method = "POST",
       .pattern = "/v1/session",
       .permission = {},
       .noun = "session",
       .summary = "Log in with a name and a password.",
       .fields = {{.name = "name", .required = true, .meaning = "the person's name", .limit = 64},
                  {.name = "password",
                   .type = FieldType::kSecret,
                   .required = true,
                   .meaning = "the person's password",
                   .limit = people::kPasswordLimit}},
       .answer = "The token, who it stands for, how long it lasts, and which program answers.",
       .handler = [&people, program](const Request& request) { return log_in(people, request, program); }});
  routes.push_back({.method = "POST",
                    .pattern = "/v1/session/certificate",
                    .permission = {},
                    .noun = "session",
                    .summary = "Log in with the client certificate of this connection.",
                    .answer = "The token, who it stands for, how long it lasts, and which program answers.",
                    .handler = [&people, program](const Request& request) {
                      return log_in_with_certificate(people, request, program);
                    }});
  routes.push_back({.method = "GET",
                    .pattern = "/v1/session",
                    .permission = Permission::kOwnAccount,
                    .noun = "session",
                    .summary = "Tell who the session stands for.",
                    .answer = "Name, role and permissions; which program answers.",
                    .handler = [program](const Request& request) -> Result<Answer> {
                      return json_answer(session_json(request.principal, program));
                    }});
  routes.push_back({.method = "DELETE",
                    .pattern = "/v1/session",
                    .permission = Permission::kOwnAccount,
                    .noun = "session",
                    .summary = "Log out.",
                    .answer = "",
                    .handler = [&people](const Request& request) -> Result<Answer> {
                      TRY(people.log_out(request.token.reveal()));
                      return empty_answer();
                    }});
  routes.push_back({.method = "GET",
                    .pattern = "/v1/health",
                    .permission = {},
                    .noun = "health",
                    .summary = "Tell whether the daemon can do its work.",
                    .answer = "200 with {\"ready\": true} and the program's name, else 503.",
                    .handler = [ready = std::move(ready), program](const Request&) -> Result<Answer> {
                      const bool is_ready = ready();
                      return json_answer({{"ready", is_ready}, {"program", program}}, is_ready ? 200 : 503);
                    }});
  return routes;
}

}  // namespace tapewarden::admin

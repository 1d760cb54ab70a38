#include "cli/login.h"

#include <boost/json.hpp>

#include "cli/request_body.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

Result<LoggedIn> read_login(Result<Bytes> answer) {
  Bytes body = TRY(std::move(answer));
  json::error_code error;
  const json::value value = json::parse(as_text(body), error);
  crypto::wipe(body);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr || !object->contains("token") || !object->at("token").is_string()) {
    return fail(ErrorCode::kInternal, "the server's answer to the login has no token", "server",
                "check that the address is that of a Tapewarden server");
  }
  const auto text = [&](std::string_view name) {
    const auto* member = object->if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  return LoggedIn{text("name"), text("role"),
                  crypto::SecretBytes::copy_of(as_bytes(std::string_view(object->at("token").get_string())))};
}

}  // namespace

Result<LoggedIn> log_in_with_certificate(RestClient& client) {
  return read_login(client.call("POST", "/v1/session/certificate"));
}

Result<LoggedIn> log_in_with_password(RestClient& client, const std::string& name,
                                      const crypto::SecretBytes& password) {
  RequestBody body;
  body.add_text("name", name);
  body.add_secret("password", password);
  return read_login(client.call("POST", "/v1/session", body.take()));
}

Result<std::string> server_of_site(const Context& context) {
  return context.globals.server.empty() ? std::string(kDefaultServer) : context.globals.server;
}

}  // namespace tapewarden::cli

#include "cli/login.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/command.h"
#include "cli/request_body.h"
#include "config/toml_file.h"
#include "keyproxy/engine/engine_config.h"

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
  return LoggedIn{text("name"), text("role"), kind_of_program(text("program")),
                  crypto::SecretBytes::copy_of(as_bytes(std::string_view(object->at("token").get_string())))};
}

// The host is what the engine calls it by; the port stands with the server itself.
Result<std::string> address_in_site(Disk& disk, const std::string& site, const std::string& name,
                                    const std::string& file) {
  auto toml = TRY(config::TomlFile::read(disk, file));
  auto https = toml.section("https");
  const bool engine = name == kEngineServer;
  if (engine && !https.present())
    return fail(ErrorCode::kUnavailable, file + " has no [https]: the engine has no REST", "https",
                "stop tapewarden-taped for work on the library's files, or configure it");
  const auto port = TRY(https.number("port", 1, 65535, engine ? 2443 : 1443));
  std::string host = TRY(https.text("address", "127.0.0.1"));
  if (const auto servers = keyproxy::read_engine_config(disk, site + "/engine/engine.toml");
      servers && !engine) {
    const auto known = std::ranges::find(servers->servers, name, &keyproxy::KeyServerAddress::name);
    if (known != servers->servers.end()) host = known->host;
  }
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "https://" + host + ":" + std::to_string(port);
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
  const auto& globals = context.globals;
  const bool named = globals.server.empty() || globals.server.find_first_of("./:") == std::string::npos;
  const std::string name = globals.server.empty() ? "primary" : globals.server;
  const std::string file = globals.site + "/" + name + (name == kEngineServer ? "/taped.toml" : "/keyd.toml");
  if (globals.site.empty() || !named || !context.env.disk->exists(file)) {
    return globals.server.empty() ? std::string(kDefaultServer) : globals.server;
  }
  return address_in_site(*context.env.disk, globals.site, name, file);
}

}  // namespace tapewarden::cli

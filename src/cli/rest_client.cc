#include "cli/rest_client.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/nearest_words.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/login.h"
#include "cli/login_file.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kDeadline{120'000};  // an RSA key of 4096 bits may take a while
constexpr std::chrono::milliseconds kLongDeadline{3'600'000};
// Of POST: what comes before and after the name in the path.
constexpr std::pair<std::string_view, std::string_view> kLongWork[] = {{"/v1/keys", ""},
                                                                       {"/v1/keys/export", ""},
                                                                       {"/v1/keys/import", ""},
                                                                       {"/v1/migrations/ekm", ""},
                                                                       {"/v1/ledger/import-ekm", ""},
                                                                       {"/v1/audit/verify", ""},
                                                                       {"/v1/backups/", "/run"},
                                                                       {"/v1/backups/", "/verify"},
                                                                       {"/v1/backups/", "/drill"},
                                                                       {"/v1/servers/", "/promote"},
                                                                       {"/v1/cartridges", ""}};
constexpr std::size_t kPemLimit = 256U << 10;

std::string member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

ErrorCode code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    if (to_string(static_cast<ErrorCode>(i)) == name) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kInternal;
}

// Text from the server may hold what a terminal takes for a command.
std::unexpected<Error> error_of(const net::HttpResponse& response) {
  json::error_code error;
  const json::value value = json::parse(as_text(response.body), error);
  const auto* outer = error ? nullptr : value.if_object();
  const auto* inner = outer != nullptr && outer->contains("error") ? outer->at("error").if_object() : nullptr;
  if (inner == nullptr) {
    return fail(response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInternal,
                "the server answered with status " + std::to_string(response.status), "server",
                "check that the address is that of a Tapewarden server");
  }
  std::string message = member(*inner, "message");
  const std::string detail = member(*inner, "detail");
  if (!detail.empty()) message += " (" + detail + " from " + member(*inner, "origin") + ")";
  return fail(code_named(member(*inner, "code")), escape_unprintable(message),
              escape_unprintable(member(*inner, "field")), escape_unprintable(member(*inner, "remedy")));
}

std::unexpected<Error> awaits_approval(const net::HttpResponse& response) {
  json::error_code error;
  const json::value value = json::parse(as_text(response.body), error);
  const auto* body = error ? nullptr : value.if_object();
  const json::object nothing;
  const json::object& told = body != nullptr ? *body : nothing;
  return fail(ErrorCode::kPermissionDenied,
              escape_unprintable(member(told, "message") + " (request " + member(told, "approval") +
                                 ", expires " + member(told, "expires") + ")"),
              "approval", escape_unprintable(member(told, "remedy")), kApprovalAwaited);
}

Result<std::string> read_text(Disk& disk, const std::string& path) {
  return std::string(as_text(TRY(read_file(disk, path, kPemLimit))));
}

std::unexpected<Error> nobody_called(Disk& disk, const std::string& directory, const std::string& name) {
  const auto people = disk.list(directory + "/people");
  if (!people) {
    return fail(ErrorCode::kNotFound, directory + " is no site: it has no folder people", "--site",
                "name the folder that `tapewarden site init` made");
  }
  return fail(ErrorCode::kNotFound, "the site has no certificate of " + escape_unprintable(name), "--as",
              nearest_words(name, *people));
}

}  // namespace

Result<ServerAddress> parse_server(std::string_view url) {
  const auto bad = [] {
    return fail(ErrorCode::kInvalidArgument, "this is not a server's address", "server",
                "write https://HOST:PORT");
  };
  if (url.starts_with("https://")) url.remove_prefix(8);
  if (url.ends_with('/')) url.remove_suffix(1);
  ServerAddress address;
  std::string_view rest;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos) return bad();
    address.host = url.substr(1, end - 1);
    rest = url.substr(end + 1);
  } else {
    address.host = url.substr(0, url.find(':'));
    rest = url.substr(address.host.size());
  }
  if (address.host.empty() || address.host.find('/') != std::string::npos) return bad();
  if (rest.empty()) return address;
  if (!rest.starts_with(':')) return bad();
  const auto port = parse_number(rest.substr(1), 1, 65'535, "server");
  if (!port) return bad();
  address.port = static_cast<std::uint16_t>(*port);
  return address;
}

Result<Credentials> site_credentials(Disk& disk, const std::string& directory, const std::string& name) {
  if (name.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a site holds several people's certificates", "--as",
                "say --as NAME, a folder of " + directory + "/people");
  }
  const std::string folder = directory + "/people/" + name;
  if (!disk.exists(folder + "/client.crt")) return nobody_called(disk, directory, name);
  Credentials credentials;
  credentials.authorities = TRY(read_text(disk, directory + "/ca/authority.crt"));
  credentials.chain = TRY(crypto::Certificate::list_from_pem(TRY(read_text(disk, folder + "/client.crt"))));
  const auto key = TRY(read_secret_file(disk, folder + "/client.key"));
  credentials.key = TRY(crypto::PrivateKey::from_pem(key));
  return credentials;
}

std::chrono::milliseconds patience_for(std::string_view method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  const bool takes_long = std::ranges::any_of(kLongWork, [&](const auto& work) {
    const auto& [before, after] = work;
    if (after.empty()) return path == before;
    return path.size() > before.size() + after.size() && path.starts_with(before) && path.ends_with(after);
  });
  return method == "POST" && takes_long ? kLongDeadline : kDeadline;
}

Result<RestClient> RestClient::make(const std::string& server, const Credentials& credentials) {
  const ServerAddress address = TRY(parse_server(server));
  net::TlsConfig config;
  config.chain = credentials.chain;
  config.key = credentials.key;
  config.authorities = TRY(crypto::Certificate::list_from_pem(credentials.authorities));
  net::HttpClientOptions options;
  options.host = address.host;
  options.port = address.port;
  options.tls = TRY(net::TlsContext::client(config));
  RestClient client;
  client.loop_ = std::make_unique<net::Loop>(1);
  client.client_ = std::make_unique<net::HttpClient>(*client.loop_, std::move(options));
  return client;
}

Result<Bytes> RestClient::call(std::string_view method, const std::string& target, Bytes body,
                               const std::string& approval) {
  net::HttpCall call;
  call.method = method;
  call.target = target;
  if (!body.empty()) call.headers.add("content-type", "application/json");
  if (!token_.empty()) {
    call.headers.add("authorization", "Bearer " + std::string(as_text(token_.reveal())));
  }
  if (!approval.empty()) {
    if (!from_hex(approval)) {
      crypto::wipe(body);
      return fail(ErrorCode::kInvalidArgument, "this is not the id of an approval", "approval",
                  "give the 16 hex digits that the first call told");
    }
    call.headers.add("tapewarden-approval", approval);
  }
  call.body = body;
  crypto::wipe(body);
  const auto patience = patience_for(method, target);
  auto answer = client_->request(std::move(call), patience);
  if (!answer && answer.error().code == ErrorCode::kTimeout && method != "GET") {
    return fail(ErrorCode::kTimeout,
                "the server did not answer within " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(patience).count()) +
                    " seconds, and may still be at work on it",
                "server", "look whether it was done (tapewarden status, audit query) before you repeat it");
  }
  if (!answer && answer.error().code == ErrorCode::kUnavailable && answer.error().remedy.empty()) {
    Error error = std::move(answer).error();
    error.remedy =
        "check that it runs (`tapewarden-keyd run` a key server, `tapewarden-taped run` the tape engine) and "
        "its address; another key server is named by --server";
    return std::unexpected(std::move(error));
  }
  auto response = TRY(std::move(answer));
  if (response.status >= 300) return error_of(response);
  if (response.status == kApprovalAwaited) {
    asked_ = response.body;
    return awaits_approval(response);
  }
  return std::move(response.body);
}

namespace {

Status check_kind(const std::string& server, ServerKind is, std::optional<ServerKind> wanted) {
  if (!wanted || *wanted == is) return {};
  const bool engine = *wanted == ServerKind::kEngine;
  return fail(ErrorCode::kInvalidArgument,
              server + " is a " + std::string(to_string(is)) + ", and this command is for a " +
                  std::string(to_string(*wanted)),
              "--server",
              engine ? "name the tape engine: --server https://HOST:2443, or --site DIR without --server"
                     : "name a key server: --server https://HOST:1443, or --site DIR without --server");
}

// What a server that is asked by its address alone says that it is; nothing when it does not.
std::optional<ServerKind> told_kind(RestClient& client) {
  const auto body = client.call("GET", "/v1/health");
  if (!body) return std::nullopt;
  json::error_code error;
  const json::value value = json::parse(as_text(*body), error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr || !object->contains("program")) return std::nullopt;
  return kind_of_program(member(*object, "program"));
}

// By the login that is kept for `server`, or else for its kind.
Result<SavedLogin> login_for(Context& context, std::optional<ServerKind> kind) {
  Disk& disk = *context.env.disk;
  const std::string& server = context.globals.server;
  if (server == kEngineServer) return load_login(disk, context.config_directory, ServerKind::kEngine);
  for (const auto other : {ServerKind::kKeyServer, ServerKind::kEngine}) {
    if (server.empty() || kind) break;
    auto saved = load_login(disk, context.config_directory, other);
    if (saved && saved->server == server) return saved;
  }
  return load_login(disk, context.config_directory, kind);
}

}  // namespace

Result<Connection> connect(Context& context, std::optional<ServerKind> kind) {
  Disk& disk = *context.env.disk;
  const Globals& globals = context.globals;
  if (!globals.site.empty()) {
    const auto credentials = TRY(site_credentials(disk, globals.site, globals.as));
    const std::string server = TRY(server_of_site(context));
    Connection connection{TRY(RestClient::make(server, credentials)), true};
    auto login = TRY(log_in_with_certificate(connection.client));
    connection.client.set_token(std::move(login.token));
    auto right = check_kind(server, login.kind, kind);
    if (right) return connection;
    end_session(connection);
    return std::unexpected(std::move(right).error());
  }
  auto saved = TRY(login_for(context, kind));
  const bool kept = globals.server.empty() || globals.server == kEngineServer;
  const std::string server = kept ? saved.server : globals.server;
  if (kept) TRY(check_kind(server, saved.kind, kind));
  Connection connection{TRY(RestClient::make(server, {saved.authorities, {}, {}})), false};
  if (server != saved.server)
    TRY(check_kind(server, told_kind(connection.client).value_or(saved.kind), kind));
  connection.client.set_token(std::move(saved.token));
  return connection;
}

void end_session(Connection& connection) {
  if (connection.own_session) (void)connection.client.call("DELETE", "/v1/session");
}

}  // namespace tapewarden::cli

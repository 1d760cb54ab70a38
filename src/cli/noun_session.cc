#include "cli/login.h"
#include "cli/login_file.h"
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

constexpr std::size_t kPemLimit = 256U << 10;

Result<std::string> authority_in(Context& context, const std::string& path) {
  const auto pem = TRY(read_file(*context.env.disk, path, kPemLimit));
  const auto parsed = crypto::Certificate::list_from_pem(as_text(pem));
  if (parsed && !parsed->empty()) return std::string(as_text(pem));
  return fail(ErrorCode::kInvalidArgument, path + " holds no certificate in PEM", "--ca",
              "give the authority's certificate: ca/authority.crt of the site");
}

Result<Credentials> credentials_of(Context& context, const Values& values) {
  const Globals& globals = context.globals;
  if (!globals.site.empty()) {
    if (!globals.as.empty()) return site_credentials(*context.env.disk, globals.site, globals.as);
    return Credentials{TRY(authority_in(context, globals.site + "/ca/authority.crt")), {}, {}};
  }
  if (values.has("--ca")) {
    return Credentials{TRY(authority_in(context, values.text("--ca"))), {}, {}};
  }
  return fail(ErrorCode::kInvalidArgument, "nothing says whom to trust as the server", "--ca",
              "give the authority's certificate by --ca FILE, or the site by --site DIR");
}

Result<LoggedIn> enter(Context& context, RestClient& client, const Values& values) {
  const bool by_certificate = !context.globals.site.empty() && !context.globals.as.empty();
  if (by_certificate) return log_in_with_certificate(client);
  if (!values.has("--user")) {
    return fail(ErrorCode::kInvalidArgument, "nobody is named", "--user",
                "give --user NAME, or --site DIR with --as NAME to use a certificate");
  }
  const std::string file = values.text("--password-file");
  auto password = file.empty() ? context.ask_secret("password of " + values.text("--user"))
                               : read_secret_file(*context.env.disk, file);
  return log_in_with_password(client, values.text("--user"), TRY(std::move(password)));
}

// A password that nobody would look at is a mistake.
Status check_one_way_in(const Globals& globals, const Values& values) {
  const bool by_certificate = !globals.site.empty() && !globals.as.empty();
  const char* both = values.has("--password-file") ? "--password-file"
                     : values.has("--user")        ? "--user"
                                                   : nullptr;
  if (by_certificate && both != nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                std::string("--site with --as logs in with that person's certificate, and ") + both +
                    " is for a password",
                both, "leave it out, or give --site DIR --user NAME without --as to use a password");
  }
  return {};
}

Status log_in(Context& context, const Values& values) {
  TRY(check_one_way_in(context.globals, values));
  const auto credentials = TRY(credentials_of(context, values));
  const std::string server = TRY(server_of_site(context));
  auto client = TRY(RestClient::make(server, credentials));
  auto login = TRY(enter(context, client, values));
  *context.out << "logged in to the " << to_string(login.kind) << " " << server << " as " << login.name
               << ", " << login.role << '\n';
  return save_login(*context.env.disk, context.config_directory,
                    {login.kind, server, login.name, credentials.authorities, std::move(login.token)});
}

Status log_out_of(Context& context, ServerKind kind) {
  auto saved = load_login(*context.env.disk, context.config_directory, kind);
  if (!saved) return {};
  auto client = TRY(RestClient::make(saved->server, {saved->authorities, {}, {}}));
  client.set_token(std::move(saved->token));
  const auto ended = client.call("DELETE", "/v1/session");
  TRY(forget_login(*context.env.disk, context.config_directory, kind));
  // A session that had already ended is what was wanted.
  if (!ended && ended.error().code != ErrorCode::kUnauthenticated) return std::unexpected(ended.error());
  return {};
}

// One that cannot be reached keeps nobody from leaving the other.
Status log_out(Context& context, const Values&) {
  const auto first = log_out_of(context, ServerKind::kKeyServer);
  const auto second = log_out_of(context, ServerKind::kEngine);
  return first ? second : first;
}

}  // namespace

std::vector<Command> session_commands() {
  return {
      {.noun = "login",
       .summary = "Log in to a key server or the tape engine and remember the session",
       .example = "tapewarden login --server https://keys-1:1443 --ca authority.crt --user anna",
       .arguments = {{.name = "--ca",
                      .kind = ArgumentKind::kTextFile,
                      .meaning = "the authority's certificate"},
                     {.name = "--user", .meaning = "the name to log in with"},
                     {.name = "--password", .kind = ArgumentKind::kSecret, .meaning = "the password"}},
       .does = Action(log_in)},
      {.noun = "logout",
       .summary = "End the sessions that are remembered",
       .example = "tapewarden logout",
       .does = Action(log_out)},
      {.noun = "whoami",
       .summary = "Tell who is logged in and what that person may do",
       .example = "tapewarden whoami",
       .does = RestCall{.method = "GET", .path = "/v1/session", .either = true}},
  };
}

}  // namespace tapewarden::cli

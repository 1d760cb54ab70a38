// KMIP clients and what they keep at a key server; and a trial of any KMIP server.
#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/context.h"
#include "cli/nouns.h"
#include "kmip/client/tape_trial.h"
#include "net/client.h"

namespace tapewarden::cli {
namespace {

constexpr std::uint16_t kKmipPort = 5696;
constexpr std::chrono::milliseconds kAnswerTime{30'000};
constexpr std::size_t kMarkBytes = 12;

Result<net::FramedClientOptions> connection_to(Context& context, const Values& values) {
  net::TlsConfig tls = TRY(net::read_tls_files(
      *context.env.disk, {values.text("--certificate"), values.text("--key"), values.text("--authorities")}));
  tls.minimum = net::TlsVersion::k12;
  net::FramedClientOptions options;
  options.host = values.text("HOST");
  options.port = kKmipPort;
  // HOST:PORT, and [2001:db8::1]:PORT; an address of many colons without brackets has no port.
  const auto colon = options.host.rfind(':');
  const bool bracketed = options.host.starts_with('[');
  if (colon != std::string::npos &&
      (bracketed ? options.host[colon - 1] == ']' : options.host.find(':') == colon)) {
    if (values.has("--port"))
      return fail(ErrorCode::kInvalidArgument, "the port is named twice", "--port", "name it once");
    options.port = static_cast<std::uint16_t>(
        TRY(parse_number(std::string_view(options.host).substr(colon + 1), 1, 65'535, "HOST")));
    options.host.resize(colon);
  }
  if (bracketed && options.host.ends_with(']'))
    options.host = options.host.substr(1, options.host.size() - 2);
  if (values.has("--port")) {
    options.port = static_cast<std::uint16_t>(TRY(parse_number(values.text("--port"), 1, 65'535, "--port")));
  }
  options.tls = TRY(net::TlsContext::client(tls));
  return options;
}

void print_findings(Context& context, const std::vector<kmip::TrialFinding>& findings) {
  if (context.globals.json) {
    boost::json::array items;
    for (const auto& one : findings) {
      items.push_back(boost::json::object{{"what", one.what}, {"works", one.works}, {"why", one.why}});
    }
    *context.out << boost::json::serialize(boost::json::object{{"items", std::move(items)}}) << '\n';
    return;
  }
  for (const auto& one : findings) {
    *context.out << (one.works ? "works  " : "not    ") << one.what
                 << (one.works ? "" : ": " + escape_unprintable(one.why)) << '\n';
  }
}

Status test_server(Context& context, const Values& values) {
  net::Loop loop(1);
  auto client = TRY(net::BlockingClient::connect(loop, TRY(connection_to(context, values))));
  Bytes mark(kMarkBytes);
  context.env.random->fill(mark);
  const auto findings = kmip::try_tape_profile(
      [&](Bytes request) { return client.call(std::move(request), kAnswerTime); }, to_upper(to_hex(mark)));
  print_findings(context, findings);
  // An older version that a server does not speak is no fault of it.
  const bool good = std::ranges::all_of(
      findings, [](const kmip::TrialFinding& one) { return one.works || one.what.starts_with("KMIP "); });
  const bool spoken = std::ranges::any_of(findings, &kmip::TrialFinding::works);
  if (good && spoken) return {};
  return fail(ErrorCode::kConflict, "the server does not do what a tape library needs");
}

Command test_command() {
  return {
      .noun = "kmip",
      .verb = "test",
      .summary = "Try what a tape library does at any KMIP server; makes two keys there and destroys them",
      .example =
          "tapewarden kmip test keys-1.example.org --certificate library-1.crt --key library-1.key "
          "--authorities authority.crt",
      .arguments =
          {{.name = "HOST", .required = true, .meaning = "the server's name or address, or HOST:PORT"},
           {.name = "--certificate", .required = true, .meaning = "PEM file: the client's"},
           {.name = "--key", .required = true, .meaning = "PEM file: its private key"},
           {.name = "--authorities", .required = true, .meaning = "PEM file: who vouches for the server"},
           {.name = "--port", .meaning = "5696 unless given"}},
      .does = test_server};
}

std::vector<Command> client_commands() {
  return {
      {.noun = "kmip",
       .verb = "register-client",
       .summary = "Register a KMIP client, such as a tape library, by its certificate",
       .example = "tapewarden kmip register-client library-1 --certificate library-1.crt",
       .arguments = {{.name = "NAME",
                      .required = true,
                      .field = "name",
                      .meaning = "how operators and the audit know it"},
                     {.name = "--certificate",
                      .kind = ArgumentKind::kTextFile,
                      .field = "certificate",
                      .meaning = "PEM file: the certificate that it shows"},
                     {.name = "--fingerprint",
                      .field = "fingerprint",
                      .meaning = "instead: the certificate's SHA-256 in hex"},
                     {.name = "--group",
                      .field = "group",
                      .meaning = "a name under which several clients share their objects; left out: its own"},
                     {.name = "--user",
                      .field = "user",
                      .meaning = "asked for in every message besides the certificate, with a password"},
                     {.name = "--password",
                      .kind = ArgumentKind::kSecret,
                      .field = "password",
                      .meaning = "of the user",
                      .ask_twice = true},
                     {.name = "--may-export",
                      .kind = ArgumentKind::kFlag,
                      .field = "may_export",
                      .meaning = "it may take private keys out"}},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/clients"}},
      {.noun = "kmip",
       .verb = "clients",
       .summary = "List the registered KMIP clients",
       .example = "tapewarden kmip clients",
       .does = RestCall{.method = "GET",
                        .path = "/v1/kmip/clients",
                        .columns = {"name", "group", "certificate", "user", "may_export", "added"}}},
      {.noun = "kmip",
       .verb = "withdraw-client",
       .summary = "Withdraw a KMIP client; its objects stay with their owner",
       .example = "tapewarden kmip withdraw-client library-1",
       .arguments = {{.name = "NAME", .required = true, .field = "name", .meaning = "the client's name"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/kmip/clients/{name}"}},
  };
}

}  // namespace

std::vector<Command> kmip_commands() {
  const ArgumentSpec id{
      .name = "ID", .required = true, .field = "id", .meaning = "the object's Unique Identifier"};
  auto commands = client_commands();
  commands.push_back(
      {.noun = "kmip",
       .verb = "objects",
       .summary = "List the objects of KMIP clients, with whose they are and in which state",
       .example = "tapewarden kmip objects --owner library-1",
       .arguments = {{.name = "--owner", .field = "owner", .meaning = "only those of this client or group"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/kmip/objects",
                        .columns = {"id", "type", "owner", "state", "barcode", "name", "alias", "created",
                                    "destroyed_by_client"}}});
  commands.push_back(
      {.noun = "kmip",
       .verb = "reassign",
       .summary = "Give an object to another KMIP client or group",
       .example = "tapewarden kmip reassign 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa --to library-2",
       .arguments = {id,
                     {.name = "--to",
                      .required = true,
                      .field = "owner",
                      .meaning = "the client or group whose it becomes"}},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/reassign"}});
  commands.push_back({.noun = "kmip",
                      .verb = "release",
                      .summary = "Bring back an object that its KMIP client destroyed",
                      .example = "tapewarden kmip release 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
                      .arguments = {id},
                      .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/release"}});
  commands.push_back(test_command());
  return commands;
}

}  // namespace tapewarden::cli

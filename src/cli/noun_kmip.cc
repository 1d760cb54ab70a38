// KMIP clients and what they keep at a key server; and a trial of any KMIP server.
#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/context.h"
#include "cli/kmip_connection.h"
#include "cli/nouns.h"
#include "kmip/client/tape_trial.h"

namespace tapewarden::cli {
namespace {

constexpr std::size_t kMarkBytes = 12;

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
  auto client =
      TRY(connect_kmip(context, loop, {values.text("HOST"), values.text("--port")},
                       {values.text("--certificate"), values.text("--key"), values.text("--authorities")}));
  Bytes mark(kMarkBytes);
  context.env.random->fill(mark);
  const auto findings =
      kmip::try_tape_profile([&](Bytes request) { return client.call(std::move(request), kKmipAnswerTime); },
                             to_upper(to_hex(mark)));
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

Command read_through_command() {
  return {
      .noun = "kmip",
      .verb = "read-through",
      .summary = "Show the old key servers that are asked for what KMIP clients lack here, and how far it is",
      .example = "tapewarden kmip read-through",
      .does = RestCall{.method = "GET",
                       .path = "/v1/kmip/read-through",
                       .columns = {"owner", "host", "state", "adopted", "not_there", "refused", "failed",
                                   "last_answer", "last_error"}}};
}

std::vector<Command> issuer_commands() {
  return {
      {.noun = "kmip",
       .verb = "request-issuer",
       .summary =
           "Make a key that issues certificates to KMIP clients; writes the request for the site's authority",
       .example = "tapewarden kmip request-issuer \"KMIP issuer\" --output issuer.csr",
       .arguments = {{.name = "NAME",
                      .required = true,
                      .field = "common_name",
                      .meaning = "how the certificates that it issues call it"},
                     {.name = "--output", .meaning = "the file to write; left out: it is printed"}},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/issuer/request", .text_member = "request"}},
      {.noun = "kmip",
       .verb = "set-issuer",
       .summary = "Let KMIP clients have certificates issued, now that the authority has certified the key",
       .example = "tapewarden kmip set-issuer issuer.crt --days 90",
       .arguments = {{.name = "FILE",
                      .kind = ArgumentKind::kTextFile,
                      .required = true,
                      .field = "certificate",
                      .meaning = "PEM file: the authority's certificate for the key"},
                     {.name = "--days",
                      .kind = ArgumentKind::kInteger,
                      .field = "days",
                      .meaning = "that what it issues is valid at most; 365 unless given"}},
       .does = RestCall{.method = "PUT", .path = "/v1/kmip/issuer"}},
      {.noun = "kmip",
       .verb = "issuer",
       .summary = "Show what issues certificates to KMIP clients, and until when",
       .example = "tapewarden kmip issuer",
       .does = RestCall{.method = "GET", .path = "/v1/kmip/issuer"}},
      {.noun = "kmip",
       .verb = "remove-issuer",
       .summary = "Issue no certificates to KMIP clients any more; its key is gone",
       .example = "tapewarden kmip remove-issuer",
       .does = RestCall{.method = "DELETE", .path = "/v1/kmip/issuer"}},
  };
}

const ArgumentSpec kId{
    .name = "ID", .required = true, .field = "id", .meaning = "the object's Unique Identifier"};

std::vector<Command> hold_commands() {
  return {
      {.noun = "kmip",
       .verb = "hold",
       .summary =
           "Place a legal hold on an object with a secret of its own, or a date before which it must be "
           "kept",
       .example = "tapewarden kmip hold 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa --reason \"case 4711\"",
       .arguments =
           {kId,
            {.name = "--reason", .required = true, .field = "reason", .meaning = "why it must be kept"},
            {.name = "--until",
             .field = "until",
             .meaning = "the day until which it must be kept; until taken away unless given"}},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/holds"}},
      {.noun = "kmip",
       .verb = "holds",
       .summary = "List the legal holds and retention dates of an object",
       .example = "tapewarden kmip holds 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {kId},
       .does = RestCall{.method = "GET",
                        .path = "/v1/kmip/objects/{id}/holds",
                        .columns = {"id", "until", "in_force", "placed_by", "reason"}}},
      {.noun = "kmip",
       .verb = "remove-hold",
       .summary = "Take a legal hold or retention date off an object; takes two officers",
       .example = "tapewarden kmip remove-hold 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa "
                  "7d3b5a40-0c0f-4b4e-9d51-6a0a4c1f2e11",
       .arguments = {kId, {.name = "HOLD", .required = true, .field = "hold", .meaning = "the hold's id"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/kmip/objects/{id}/holds/{hold}"}},
  };
}

}  // namespace

std::vector<Command> kmip_commands() {
  auto commands = client_commands();
  for (auto& command : issuer_commands()) commands.push_back(std::move(command));
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
       .arguments = {kId,
                     {.name = "--to",
                      .required = true,
                      .field = "owner",
                      .meaning = "the client or group whose it becomes"}},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/reassign"}});
  commands.push_back({.noun = "kmip",
                      .verb = "release",
                      .summary = "Bring back an object that its KMIP client destroyed",
                      .example = "tapewarden kmip release 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
                      .arguments = {kId},
                      .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/release"}});
  commands.push_back(
      {.noun = "kmip",
       .verb = "purge",
       .summary = "Destroy for ever an object that its KMIP client destroyed; takes two officers",
       .example = "tapewarden kmip purge 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {kId},
       .does = RestCall{.method = "POST", .path = "/v1/kmip/objects/{id}/purge"}});
  for (auto& command : hold_commands()) commands.push_back(std::move(command));
  commands.push_back(read_through_command());
  commands.push_back(test_command());
  return commands;
}

}  // namespace tapewarden::cli

#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

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
  return commands;
}

}  // namespace tapewarden::cli

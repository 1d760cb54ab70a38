#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

std::vector<Command> proxy_commands() {
  const ArgumentSpec serial{
      .name = "SERIAL", .required = true, .field = "serial", .meaning = "the drive's serial"};
  return {
      {.noun = "proxy",
       .verb = "list",
       .summary = "List the proxies and the drives they may speak for",
       .example = "tapewarden proxy list",
       .does = RestCall{.method = "GET",
                        .path = "/v1/proxies",
                        .columns = {"name", "serial", "fingerprint", "added"}}},
      {.noun = "proxy",
       .verb = "allow",
       .summary = "Let a proxy speak for a drive",
       .example = "tapewarden proxy allow 001234567890 --name engine --certificate engine/tls/client.crt",
       .arguments =
           {serial,
            {.name = "--name", .required = true, .field = "name", .meaning = "the proxy's name, for people"},
            {.name = "--certificate",
             .kind = ArgumentKind::kTextFile,
             .field = "certificate",
             .meaning = "PEM file: the proxy's certificate"},
            {.name = "--fingerprint",
             .field = "fingerprint",
             .meaning = "instead: the certificate's SHA-256 in hex"}},
       .does = RestCall{.method = "POST", .path = "/v1/proxies"}},
      {.noun = "proxy",
       .verb = "forbid",
       .summary = "No longer let a proxy speak for a drive",
       .example = "tapewarden proxy forbid 001234567890 --fingerprint "
                  "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
       .arguments = {serial,
                     {.name = "--fingerprint",
                      .required = true,
                      .field = "fingerprint",
                      .meaning = "the proxy's certificate, SHA-256 in hex"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/proxies/{fingerprint}/{serial}"}},
  };
}

}  // namespace

std::vector<Command> access_commands() {
  std::vector<Command> commands{
      {.noun = "access",
       .verb = "list",
       .summary = "List the access rules",
       .example = "tapewarden access list",
       .arguments = {{.name = "--most", .meaning = "at most so many"}},
       .does =
           RestCall{.method = "GET",
                    .path = "/v1/access",
                    .columns = {"id", "subject_kind", "subject", "object_kind", "object", "write", "read"}}},
      {.noun = "access",
       .verb = "add",
       .summary = "Add a rule; the first rule for a group or label closes it to all others",
       .example = "tapewarden access add drive group --subject 001234567890 --object DAILY --write --read",
       .arguments =
           {{.name = "WHO",
             .required = true,
             .field = "subject_kind",
             .meaning = "any, drive, proxy, partition or client (of KMIP)"},
            {.name = "WHAT", .required = true, .field = "object_kind", .meaning = "any, group or label"},
            {.name = "--subject",
             .field = "subject",
             .meaning = "the drive's serial, the proxy's fingerprint, the partition's or KMIP client's name"},
            {.name = "--object", .field = "object", .meaning = "the group's or label's name"},
            {.name = "--write",
             .kind = ArgumentKind::kFlag,
             .field = "write",
             .meaning = "may write with it"},
            {.name = "--read", .kind = ArgumentKind::kFlag, .field = "read", .meaning = "may read with it"}},
       .does = RestCall{.method = "POST", .path = "/v1/access"}},
      {.noun = "access",
       .verb = "delete",
       .summary = "Delete a rule",
       .example = "tapewarden access delete 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {{.name = "ID", .required = true, .field = "id", .meaning = "the rule's id"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/access/{id}"}},
  };
  for (auto& command : proxy_commands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace tapewarden::cli

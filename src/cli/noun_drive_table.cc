#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kSerial{.name = "SERIAL",
                           .required = true,
                           .field = "serial",
                           .meaning = "the drive's serial: 10 digits or 12 characters"};

std::vector<ArgumentSpec> with_change_options() {
  return {kSerial,
          {.name = "--kind", .field = "kind", .meaning = "LTO or 3592"},
          {.name = "--wwnn", .field = "wwnn", .meaning = "world wide node name, 16 hex digits"},
          {.name = "--alias", .field = "default_alias", .meaning = "data key for its writes (LTO)"},
          {.name = "--group", .field = "default_group", .meaning = "key group for its writes (LTO)"},
          {.name = "--label1", .field = "label_1", .meaning = "first key label for its writes (3592)"},
          {.name = "--mode1", .field = "mode_1", .meaning = "clear or hash"},
          {.name = "--label2", .field = "label_2", .meaning = "second key label (3592)"},
          {.name = "--mode2", .field = "mode_2", .meaning = "clear or hash"},
          {.name = "--certificate",
           .kind = ArgumentKind::kTextFile,
           .field = "certificate",
           .meaning = "PEM file: the drive's certificate to pin"},
          {.name = "--wrapping-key",
           .kind = ArgumentKind::kBinaryFile,
           .field = "wrapping_key",
           .meaning = "DER file: the public key that its keys are wrapped to"}};
}

std::vector<ArgumentSpec> with_modify_options() {
  auto out = with_change_options();
  out.push_back({.name = "--forget-identity",
                 .kind = ArgumentKind::kFlag,
                 .field = "forget_identity",
                 .meaning = "pin no identity any more: a proxy that is allowed to speaks for the drive"});
  return out;
}

std::vector<Command> transfer_commands() {
  return {
      {.noun = "drive-table",
       .verb = "export",
       .summary = "Write the drive table as text",
       .example = "tapewarden drive-table export --output drives.json",
       .arguments = {{.name = "--output", .meaning = "the file to write; standard output unless given"}},
       .does = RestCall{.method = "GET", .path = "/v1/drive-table/export", .text_member = "text"}},
      {.noun = "drive-table",
       .verb = "import",
       .summary = "Read a drive table: merge adds and changes, rewrite replaces",
       .example = "tapewarden drive-table import drives.json --mode merge",
       .arguments = {{.name = "FILE",
                      .kind = ArgumentKind::kTextFile,
                      .required = true,
                      .field = "text",
                      .meaning = "an exported drive table"},
                     {.name = "--mode", .required = true, .field = "mode", .meaning = "merge or rewrite"}},
       .does = RestCall{.method = "POST", .path = "/v1/drive-table/import"}},
  };
}

}  // namespace

std::vector<Command> drive_table_commands() {
  std::vector<Command> commands{
      {.noun = "drive-table",
       .verb = "list",
       .summary = "List the drives",
       .example = "tapewarden drive-table list --state pending",
       .arguments = {{.name = "--state", .field = "state", .meaning = "pending, accepted or rejected"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/drives",
                        .columns = {"serial", "kind", "state", "wwnn", "default_group", "default_alias",
                                    "label_1", "label_2"}}},
      {.noun = "drive-table",
       .verb = "show",
       .summary = "Show one drive",
       .example = "tapewarden drive-table show 001234567890",
       .arguments = {kSerial},
       .does = RestCall{.method = "GET", .path = "/v1/drives/{serial}"}},
      {.noun = "drive-table",
       .verb = "add",
       .summary = "Add a drive; it is accepted at once",
       .example = "tapewarden drive-table add 1234567890 --kind LTO --group DAILY",
       .arguments = with_change_options(),
       .does = RestCall{.method = "POST", .path = "/v1/drives"}},
      {.noun = "drive-table",
       .verb = "modify",
       .summary = "Change a drive; what is left out stays",
       .example = "tapewarden drive-table modify 001234567890 --label1 ARCHIVE-2026 --mode1 hash",
       .arguments = with_modify_options(),
       .does = RestCall{.method = "PATCH", .path = "/v1/drives/{serial}"}},
      {.noun = "drive-table",
       .verb = "delete",
       .summary = "Delete a drive",
       .example = "tapewarden drive-table delete 001234567890",
       .arguments = {kSerial},
       .does = RestCall{.method = "DELETE", .path = "/v1/drives/{serial}"}},
      {.noun = "drive-table",
       .verb = "accept",
       .summary = "Accept a drive and pin what it offered",
       .example = "tapewarden drive-table accept 001234567890",
       .arguments = {kSerial,
                     {.name = "--identity",
                      .field = "expected_identity",
                      .meaning = "the identity that is expected, SHA-256 in hex"}},
       .does = RestCall{.method = "POST", .path = "/v1/drives/{serial}/accept"}},
      {.noun = "drive-table",
       .verb = "reject",
       .summary = "Reject a drive: it is served nothing",
       .example = "tapewarden drive-table reject 001234567890",
       .arguments = {kSerial},
       .does = RestCall{.method = "POST", .path = "/v1/drives/{serial}/reject"}},
      {.noun = "drive-table",
       .verb = "dismiss-offer",
       .summary = "Forget the new identity that a drive offered; what is pinned stays",
       .example = "tapewarden drive-table dismiss-offer 001234567890",
       .arguments = {kSerial},
       .does = RestCall{.method = "POST", .path = "/v1/drives/{serial}/dismiss-offer"}},
  };
  for (auto& command : transfer_commands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace tapewarden::cli

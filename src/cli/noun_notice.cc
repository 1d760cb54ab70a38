// What the tape engine tells people, and the steps of its mounts, by REST.
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

RestCall ask(std::string_view path, std::vector<std::string_view> columns) {
  return {.method = "GET", .path = path, .columns = std::move(columns), .server = kEngineServer};
}

}  // namespace

std::vector<Command> notice_commands() {
  return {
      {.noun = "intervention",
       .verb = "list",
       .summary = "List the operator interventions of the tape engine that are open",
       .example = "tapewarden intervention list --site ~/site --as operator",
       .does = ask("/v1/interventions", {"code", "at", "subject", "text"})},
      {.noun = "engine",
       .verb = "messages",
       .summary = "List what the tape engine told since it started: messages, interventions and their ends",
       .example = "tapewarden engine messages --since 120 --site ~/site --as operator",
       .arguments = {{.name = "--since",
                      .kind = ArgumentKind::kInteger,
                      .field = "since",
                      .meaning = "only those after this number"}},
       .does = ask("/v1/host-messages", {"number", "at", "code", "class", "subject", "cleared", "text"})},
      {.noun = "catalogue",
       .verb = "backup",
       .summary = "Have a backup of the tape engine's catalogue written onto a cartridge that takes more",
       .example = "tapewarden catalogue backup --site ~/site --as operator",
       .does = RestCall{.method = "POST", .path = "/v1/catalogue/backup", .server = kEngineServer}},
      {.noun = "trace",
       .verb = "mount",
       .summary = "Show the steps of the last mounts of a volume or a cartridge",
       .example = "tapewarden trace mount A00001 --site ~/site --as operator",
       .arguments = {{.name = "NAME",
                      .required = true,
                      .field = "name",
                      .meaning = "a volser, or the barcode of a cartridge behind the engine"},
                     {.name = "--last",
                      .kind = ArgumentKind::kInteger,
                      .field = "last",
                      .meaning = "how many mounts; the last five unless given"}},
       .does =
           ask("/v1/traces/{name}", {"mount", "cartridge", "purpose", "time", "step", "from", "to", "text"})},
  };
}

}  // namespace tapewarden::cli

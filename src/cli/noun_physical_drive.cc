// Drives behind the tape engine, by REST. Drives of this host are the noun drive's, those that hosts of the
// engine see are the library's.
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kNoun = "physical-drive";

const ArgumentSpec kSerial{.name = "DRIVE", .required = true, .field = "serial", .meaning = "its serial"};

RestCall ask(std::string_view method, std::string_view path, std::vector<std::string_view> columns = {}) {
  return {.method = method, .path = path, .columns = std::move(columns), .server = kEngineServer};
}

}  // namespace

std::vector<Command> physical_drive_commands() {
  return {
      {.noun = kNoun,
       .verb = "list",
       .summary = "List the drives behind the engine: state, cartridge, encryption, why one is offline",
       .example = "tapewarden physical-drive list --site ~/site --as operator",
       .does = ask("GET", "/v1/physical-drives",
                   {"serial", "library", "kind", "product", "state", "cartridge", "encryption", "reason"})},
      {.noun = kNoun,
       .verb = "offline",
       .summary = "Take a drive behind the engine out of its work, until it is brought online",
       .example = "tapewarden physical-drive offline TW9R7K0Y01 --reason \"cleaning\" --site ~/site --as "
                  "operator",
       .arguments = {kSerial,
                     {.name = "--reason",
                      .required = true,
                      .field = "reason",
                      .meaning = "why, in a few words; everybody who asks is told"}},
       .does = ask("POST", "/v1/physical-drives/{serial}/offline")},
      {.noun = kNoun,
       .verb = "online",
       .summary = "Ask a drive behind the engine who it is, and let it take part in the work again",
       .example = "tapewarden physical-drive online TW9R7K0Y01 --site ~/site --as operator",
       .arguments = {kSerial},
       .does = ask("POST", "/v1/physical-drives/{serial}/online")},
  };
}

}  // namespace tapewarden::cli

// Cartridges behind the tape engine, by REST. Cartridge files on this machine are the noun cartridge's.
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kNoun = "physical-volume";

RestCall ask(std::string_view method, std::string_view path, std::vector<std::string_view> columns = {}) {
  return {.method = method, .path = path, .columns = std::move(columns), .server = kEngineServer};
}

const ArgumentSpec kBarcode{
    .name = "BARCODE", .required = true, .field = "barcode", .meaning = "as on its label, such as P00001L9"};
const ArgumentSpec kBarcodes{
    .name = "BARCODE", .required = true, .field = "barcode", .meaning = "one, or FIRST-LAST"};
const ArgumentSpec kForce{.name = "--force",
                          .kind = ArgumentKind::kFlag,
                          .field = "force",
                          .meaning = "although the only copy of volumes lies on it"};
const ArgumentSpec kMost{
    .name = "--most", .kind = ArgumentKind::kInteger, .meaning = "at most so many; all unless given"};

// What an ejected cartridge goes with: its keys, and these of each volume.
const std::vector<std::string_view> kPackingList{"file", "volser", "copy", "bytes", "generation"};

ArgumentSpec integer(std::string_view name, std::string_view field, std::string_view meaning) {
  return {.name = name, .kind = ArgumentKind::kInteger, .field = field, .meaning = meaning};
}

std::vector<Command> looks() {
  return {
      {.noun = kNoun,
       .verb = "list",
       .summary = "List cartridges behind the engine by pool, state, encryption and key label",
       .example = "tapewarden physical-volume list --pool 2 --state full --site ~/site --as operator",
       .arguments = {integer("--pool", "pool", "0 to 32"),
                     {.name = "--state",
                      .field = "state",
                      .meaning =
                          "scratch, filling, full, closed, damaged, awaiting-erase, ejected, exported"},
                     {.name = "--encryption",
                      .field = "encryption",
                      .meaning = "unknown (never written), clear, wrapped or identified"},
                     {.name = "--label", .field = "label", .meaning = "a key label, or a key's alias"},
                     {.name = "--prefix", .field = "prefix", .meaning = "how the barcode begins"},
                     kMost},
       .does = ask("GET", "/v1/physical-volumes",
                   {"barcode", "kind", "pool", "state", "encryption", "labels", "alias", "active_volumes",
                    "active_bytes", "written_bytes", "last_written", "move"})},
      {.noun = kNoun,
       .verb = "show",
       .summary = "Show a cartridge behind the engine, and how many volumes lie on it alone",
       .example = "tapewarden physical-volume show P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("GET", "/v1/physical-volumes/{barcode}")},
      {.noun = kNoun,
       .verb = "map",
       .summary = "List the volumes on a cartridge in tape order",
       .example = "tapewarden physical-volume map P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode, kMost},
       .does = ask("GET", "/v1/physical-volumes/{barcode}/volumes",
                   {"file", "volser", "copy", "bytes", "generation", "category", "storage_group", "cached"})},
  };
}

std::vector<Command> contents() {
  return {
      {.noun = kNoun,
       .verb = "insert",
       .summary = "Take cartridges that stand in the library behind the engine",
       .example = "tapewarden physical-volume insert P00001L9-P00020L9 --pool 2 --site ~/site --as operator",
       .arguments =
           {{.name = "BARCODES", .required = true, .field = "barcodes", .meaning = "one, or FIRST-LAST"},
            integer("--pool", "pool", "0 to 32; 0, the common pool, unless given")},
       .does = ask("POST", "/v1/physical-volumes", {"name", "outcome", "done"})},
      {.noun = kNoun,
       .verb = "assign",
       .summary = "Give empty cartridges to another pool",
       .example = "tapewarden physical-volume assign P00001L9-P00005L9 3 --site ~/site --as operator",
       .arguments = {kBarcodes,
                     {.name = "POOL",
                      .kind = ArgumentKind::kInteger,
                      .required = true,
                      .field = "pool",
                      .meaning = "0 to 32"}},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/assign")},
      {.noun = kNoun,
       .verb = "move",
       .summary = "Have what lies on cartridges moved to cartridges of another pool",
       .example = "tapewarden physical-volume move P00001L9 now --to 2 --site ~/site --as operator",
       .arguments = {kBarcodes,
                     {.name = "WHEN",
                      .required = true,
                      .field = "when",
                      .meaning = "now, when-eligible (for reclaim), or never, which takes the wish back"},
                     integer("--to", "target_pool", "the pool where the volumes go, 1 to 32"),
                     {.name = "--allow-clear",
                      .kind = ArgumentKind::kFlag,
                      .field = "allow_clear",
                      .meaning = "what a pool encrypts may lie in clear there; for security officers"}},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/move", {"name", "outcome", "done"})},
      {.noun = kNoun,
       .verb = "recall",
       .summary = "Bring every volume that lies on a cartridge back into the cache",
       .example = "tapewarden physical-volume recall P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/recall", {"name", "outcome", "done"})},
  };
}

std::vector<Command> states() {
  return {
      {.noun = kNoun,
       .verb = "eject",
       .summary = "Take a cartridge out of the library behind the engine",
       .example = "tapewarden physical-volume eject P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode, kForce},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/eject", kPackingList)},
      {.noun = kNoun,
       .verb = "export",
       .summary = "Take a cartridge out for another site, with a list of volumes and keys",
       .example = "tapewarden physical-volume export P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode, kForce},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/export", kPackingList)},
      {.noun = kNoun,
       .verb = "take-away",
       .summary = "Take an ejected cartridge out of the import/export slot of its virtual library",
       .example = "tapewarden physical-volume take-away P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/take-away")},
      {.noun = kNoun,
       .verb = "bring-back",
       .summary = "Put a cartridge that was taken away into an import/export slot again",
       .example = "tapewarden physical-volume bring-back P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/bring-back")},
      {.noun = kNoun,
       .verb = "close",
       .summary = "Write no more to a cartridge",
       .example = "tapewarden physical-volume close P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/close")},
      {.noun = kNoun,
       .verb = "mark-damaged",
       .summary = "Rely on nothing of a cartridge any more; its copies are written anew from elsewhere",
       .example = "tapewarden physical-volume mark-damaged P00001L9 --note \"fell down\" --site ~/site --as "
                  "operator",
       .arguments = {kBarcode,
                     {.name = "--note", .field = "note", .meaning = "what is wrong with it"},
                     kForce},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/mark-damaged")},
      {.noun = kNoun,
       .verb = "clear-damage",
       .summary = "Read a cartridge again that was found good; it takes no more",
       .example = "tapewarden physical-volume clear-damage P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/clear-damage")},
      {.noun = kNoun,
       .verb = "erase",
       .summary = "Have a cartridge without active data overwritten before it is scratch",
       .example = "tapewarden physical-volume erase P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("POST", "/v1/physical-volumes/{barcode}/erase")},
      {.noun = kNoun,
       .verb = "withdraw",
       .summary = "Forget a cartridge that holds nothing active",
       .example = "tapewarden physical-volume withdraw P00001L9 --site ~/site --as operator",
       .arguments = {kBarcode},
       .does = ask("DELETE", "/v1/physical-volumes/{barcode}")},
  };
}

}  // namespace

std::vector<Command> physical_volume_commands() {
  std::vector<Command> commands;
  for (auto& some : {looks(), contents(), states()})
    commands.insert(commands.end(), some.begin(), some.end());
  return commands;
}

}  // namespace tapewarden::cli

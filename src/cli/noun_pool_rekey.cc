// Other KEKs for the cartridges of a pool, by REST.
#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> pool_rekey_commands() {
  return {
      {.noun = "pool",
       .verb = "rekey",
       .summary = "Ask for other KEKs on a pool's written cartridges; revokes no copied EEDK",
       .example = "tapewarden pool rekey 3 --label1 ARCHIVE-2027 --site ~/site --as officer-1",
       .arguments = {{.name = "POOL", .required = true, .field = "pool", .meaning = "1 to 32"},
                     {.name = "--barcodes",
                      .field = "barcodes",
                      .meaning = "one of its cartridges, or a range; all of them without"},
                     {.name = "--label1", .field = "label_1", .meaning = "key label of the first new KEK"},
                     {.name = "--mode1", .field = "mode_1", .meaning = "clear or hash"},
                     {.name = "--label2", .field = "label_2", .meaning = "key label of the second new KEK"},
                     {.name = "--mode2", .field = "mode_2", .meaning = "clear or hash"},
                     {.name = "--again",
                      .kind = ArgumentKind::kFlag,
                      .field = "again",
                      .meaning = "those too that have these labels"},
                     {.name = "--cancel",
                      .kind = ArgumentKind::kFlag,
                      .field = "cancel",
                      .meaning = "take back what was asked for"},
                     {.name = "--unchecked",
                      .kind = ArgumentKind::kFlag,
                      .field = "unchecked",
                      .meaning = "take the labels although no key server can be asked"}},
       .does = RestCall{.method = "POST",
                        .path = "/v1/pools/{pool}/rekey",
                        .columns = {"barcode", "outcome", "done"},
                        .server = kEngineServer}},
      {.noun = "pool",
       .verb = "rekey-progress",
       .summary = "List the cartridges that wait for other KEKs, and what holds them up",
       .example = "tapewarden pool rekey-progress 3 --site ~/site --as operator",
       .arguments = {{.name = "POOL", .required = true, .field = "pool", .meaning = "1 to 32"},
                     {.name = "--most",
                      .kind = ArgumentKind::kInteger,
                      .meaning = "at most so many; all unless given"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/pools/{pool}/rekey",
                        .columns = {"barcode", "state", "labels", "wanted", "problem"},
                        .server = kEngineServer}},
      {.noun = "pool",
       .verb = "kek-retirement",
       .summary = "Ask whether any cartridge of any pool still needs a KEK",
       .example = "tapewarden pool kek-retirement ARCHIVE-2016 --site ~/site --as operator",
       .arguments = {{.name = "LABEL", .required = true, .field = "label", .meaning = "the KEK's key label"}},
       .does = RestCall{.method = "GET", .path = "/v1/kek-retirement", .server = kEngineServer}}};
}

}  // namespace tapewarden::cli

#include "cli/nouns.h"
#include "cli/proof_file.h"

namespace tapewarden::cli {

std::vector<Command> ledger_commands() {
  return {
      {.noun = "ledger",
       .verb = "query",
       .summary = "Tell which key sealed which cartridge; all filters given must fit",
       .example = "tapewarden ledger query --volser VOL001",
       .arguments = {{.name = "--volser", .field = "volser", .meaning = "the cartridge's volser"},
                     {.name = "--volume", .field = "volume", .meaning = "its volume UUID"},
                     {.name = "--alias", .field = "alias", .meaning = "the data key's alias"},
                     {.name = "--label", .field = "label", .meaning = "a key label, either of the two"},
                     {.name = "--kek", .field = "kek", .meaning = "a KEK, by hash or label"},
                     {.name = "--drive", .field = "drive", .meaning = "the drive's serial"},
                     {.name = "--from", .field = "from", .meaning = "issued at or after, 2026-11-21"},
                     {.name = "--until", .field = "until", .meaning = "issued before"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/ledger",
                        .columns = {"issued", "volser", "purpose", "state", "method", "alias", "label_1",
                                    "label_2", "drive"}}},
      {.noun = "ledger",
       .verb = "evidence",
       .summary = "Write a signed evidence pack of one cartridge, which is checked without the server",
       .example = "tapewarden ledger evidence VOL001 --output VOL001.evidence",
       .arguments =
           {{.name = "VOLSER", .required = true, .field = "volser", .meaning = "the cartridge's volser"},
            {.name = "--output", .meaning = "a file instead of standard output"}},
       .does = RestCall{.method = "GET", .path = "/v1/ledger/{volser}/evidence", .text_member = "pack"}},
      {.noun = "ledger",
       .verb = "verify-evidence",
       .summary = "Check an evidence pack; needs no server",
       .example = "tapewarden ledger verify-evidence VOL001.evidence --ca authority.crt",
       .arguments = proof_arguments("the evidence pack"),
       .does = Action(verify_evidence)},
  };
}

}  // namespace tapewarden::cli

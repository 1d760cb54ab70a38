#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> status_commands() {
  return {
      {.noun = "status",
       .summary = "Show how the key server is: head, peer, counts, warnings",
       .example = "tapewarden status",
       .does = RestCall{.method = "GET", .path = "/v1/status"}},
      {.noun = "servers",
       .summary = "List the key servers whose seals are trusted",
       .example = "tapewarden servers",
       .does = RestCall{.method = "GET", .path = "/v1/servers", .columns = {"name", "id", "epoch"}}},
      {.noun = "check-labels",
       .summary = "Check labels and groups before a pool uses them; those given together are one pool's",
       .example = "tapewarden check-labels --label ARCHIVE-2026 --group DAILY",
       .arguments =
           {{.name = "--label", .kind = ArgumentKind::kList, .field = "labels", .meaning = "a key label"},
            {.name = "--group", .kind = ArgumentKind::kList, .field = "groups", .meaning = "a key group"},
            {.name = "--serial", .field = "serial", .meaning = "the drive that would ask"},
            {.name = "--kind", .field = "kind", .meaning = "LTO or 3592"}},
       .does = RestCall{.method = "POST",
                        .path = "/v1/check-labels",
                        .columns = {"name", "known", "writable", "public_only", "held_by_peer", "problem",
                                    "note"}}},
  };
}

}  // namespace tapewarden::cli

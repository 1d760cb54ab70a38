#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> key_commands() {
  const ArgumentSpec alias{.name = "ALIAS", .required = true, .field = "alias", .meaning = "the key's alias"};
  return {
      {.noun = "key",
       .verb = "list",
       .summary = "List the data keys",
       .example = "tapewarden key list --group DAILY --state active",
       .arguments = {{.name = "--group", .field = "group", .meaning = "only keys of this group"},
                     {.name = "--state", .field = "state", .meaning = "only keys in this state"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/keys",
                        .columns = {"alias", "state", "group", "uses", "owner", "dki", "fingerprint"}}},
      {.noun = "key",
       .verb = "show",
       .summary = "Show a data key's attributes; never the key",
       .example = "tapewarden key show ABC000000000000000001",
       .arguments = {alias},
       .does = RestCall{.method = "GET", .path = "/v1/keys/{alias}"}},
      {.noun = "key",
       .verb = "generate",
       .summary = "Generate data keys: a number of them, or a range of aliases",
       .example = "tapewarden key generate --count 100 --group DAILY",
       .arguments =
           {{.name = "--count",
             .kind = ArgumentKind::kInteger,
             .field = "count",
             .meaning = "how many; one unless given"},
            {.name = "--prefix", .field = "prefix", .meaning = "three letters that the aliases begin with"},
            {.name = "--range", .field = "range", .meaning = "aliases such as ABC000000000000000001-0F"},
            {.name = "--group", .field = "group", .meaning = "the group that they join"}},
       .does = RestCall{.method = "POST", .path = "/v1/keys", .columns = {"alias", "state", "group", "dki"}}},
      {.noun = "key",
       .verb = "set-state",
       .summary = "Change a data key's state",
       .example = "tapewarden key set-state ABC000000000000000001 deactivated",
       .arguments = {alias,
                     {.name = "STATE",
                      .required = true,
                      .field = "state",
                      .meaning = "active, deactivated or compromised"}},
       .does = RestCall{.method = "PUT", .path = "/v1/keys/{alias}/state"}},
  };
}

}  // namespace tapewarden::cli

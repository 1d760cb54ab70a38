#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> server_commands() {
  const ArgumentSpec name{
      .name = "NAME", .required = true, .field = "name", .meaning = "the other server's name"};
  return {
      {.noun = "server",
       .verb = "conflicts",
       .summary = "List rows that two servers changed without knowing of each other",
       .example = "tapewarden server conflicts",
       .arguments = {{.name = "--most", .meaning = "at most so many"},
                     {.name = "--all",
                      .kind = ArgumentKind::kFlag,
                      .field = "all",
                      .meaning = "those too that were acknowledged"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/conflicts",
                        .columns = {"id", "table", "key", "outcome", "found", "acknowledged_by"}}},
      {.noun = "server",
       .verb = "acknowledge",
       .summary = "Note that a conflict was looked at",
       .example = "tapewarden server acknowledge 7d44a1b2-3c59-4e0a-9f6b-8c1d2e3f4a5b",
       .arguments = {{.name = "ID", .required = true, .field = "id", .meaning = "the conflict's id"}},
       .does = RestCall{.method = "POST", .path = "/v1/conflicts/{id}/acknowledge"}},
      {.noun = "server",
       .verb = "promote",
       .summary = "Take over from a server that is lost",
       .example = "tapewarden server promote primary",
       .arguments = {name},
       .does = RestCall{.method = "POST", .path = "/v1/servers/{name}/promote"}},
      {.noun = "server",
       .verb = "accept-restored",
       .summary = "Accept a peer that came back from an older copy in a new epoch",
       .example = "tapewarden server accept-restored primary",
       .arguments = {name},
       .does = RestCall{.method = "POST", .path = "/v1/servers/{name}/accept-restored"}},
      {.noun = "server",
       .verb = "compare",
       .summary = "Compare all that the two servers hold; changes nothing",
       .example = "tapewarden server compare",
       .does = RestCall{.method = "POST", .path = "/v1/comparison"}},
      {.noun = "server",
       .verb = "comparison",
       .summary = "Show when the two servers were last compared, and the rows that differ",
       .example = "tapewarden server comparison",
       .does = RestCall{.method = "GET", .path = "/v1/comparison"}},
      {.noun = "server",
       .verb = "sync",
       .summary = "Copy everything between the two servers anew",
       .example = "tapewarden server sync --mode merge",
       .arguments = {{.name = "--mode",
                      .required = true,
                      .field = "mode",
                      .meaning = "merge: take in all that the peer has, send it all of this server; rewrite: "
                                 "what the peer has stands here"}},
       .does = RestCall{.method = "POST", .path = "/v1/sync/{mode}"}},
  };
}

}  // namespace tapewarden::cli

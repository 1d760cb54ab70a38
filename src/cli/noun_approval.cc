#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> approval_commands() {
  const ArgumentSpec id{.name = "ID", .required = true, .field = "id", .meaning = "the approval's id"};
  return {
      {.noun = "approval",
       .verb = "list",
       .summary = "List what was asked for that needs two people",
       .example = "tapewarden approval list --state asked",
       .arguments = {{.name = "--state",
                      .field = "state",
                      .meaning = "only asked, approved, refused, withdrawn, used or expired ones"},
                     {.name = "--most", .meaning = "at most so many"}},
       .does = RestCall{.method = "GET",
                        .path = "/v1/approvals",
                        .columns = {"id", "state", "asker", "decider", "expires", "summary"}}},
      {.noun = "approval",
       .verb = "show",
       .summary = "Show one of them",
       .example = "tapewarden approval show 1f0c2a9b7d3e4455",
       .arguments = {id},
       .does = RestCall{.method = "GET", .path = "/v1/approvals/{id}"}},
      {.noun = "approval",
       .verb = "approve",
       .summary = "Consent, as the second person, to what another officer asked for",
       .example = "tapewarden approval approve 1f0c2a9b7d3e4455",
       .arguments = {id},
       .does = RestCall{.method = "POST", .path = "/v1/approvals/{id}/approve"}},
      {.noun = "approval",
       .verb = "refuse",
       .summary = "Refuse it, or take back a consent that was not used yet",
       .example = "tapewarden approval refuse 1f0c2a9b7d3e4455 --reason \"ask the owner first\"",
       .arguments = {id, {.name = "--reason", .field = "reason", .meaning = "why, for the asker"}},
       .does = RestCall{.method = "POST", .path = "/v1/approvals/{id}/refuse"}},
      {.noun = "approval",
       .verb = "withdraw",
       .summary = "Withdraw what you asked for yourself",
       .example = "tapewarden approval withdraw 1f0c2a9b7d3e4455",
       .arguments = {id},
       .does = RestCall{.method = "POST", .path = "/v1/approvals/{id}/withdraw"}},
  };
}

}  // namespace tapewarden::cli

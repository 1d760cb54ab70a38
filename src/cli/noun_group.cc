#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kName{.name = "GROUP", .required = true, .field = "name", .meaning = "the group's name"};
const ArgumentSpec kAlias{
    .name = "ALIAS", .required = true, .field = "alias", .meaning = "the data key's alias"};

std::vector<ArgumentSpec> with_spec_options() {
  return {
      kName,
      {.name = "--policy", .field = "policy", .meaning = "use-once (unless given) or round-robin"},
      {.name = "--keys-ahead",
       .kind = ArgumentKind::kInteger,
       .field = "keys_ahead",
       .meaning = "unused keys that each server keeps ready"},
      {.name = "--prefix", .field = "alias_prefix", .meaning = "three letters for keys made by themselves"}};
}

std::vector<Command> member_commands() {
  return {
      {.noun = "group",
       .verb = "add",
       .summary = "Add a data key to a group",
       .example = "tapewarden group add DAILY ABC000000000000000001",
       .arguments = {kName, kAlias},
       .does = RestCall{.method = "POST", .path = "/v1/groups/{name}/keys"}},
      {.noun = "group",
       .verb = "remove",
       .summary = "Take a data key out of a group; the key stays",
       .example = "tapewarden group remove DAILY ABC000000000000000001",
       .arguments = {kName, kAlias},
       .does = RestCall{.method = "DELETE", .path = "/v1/groups/{name}/keys/{alias}"}},
      {.noun = "group",
       .verb = "move",
       .summary = "Move a data key from one group to another",
       .example = "tapewarden group move DAILY ABC000000000000000001 WEEKLY",
       .arguments = {kName,
                     kAlias,
                     {.name = "TO", .required = true, .field = "to", .meaning = "the group that it joins"}},
       .does = RestCall{.method = "POST", .path = "/v1/groups/{name}/move"}},
  };
}

}  // namespace

std::vector<Command> group_commands() {
  std::vector<Command> commands{
      {.noun = "group",
       .verb = "list",
       .summary = "List the key groups with this server's own supply for each",
       .example = "tapewarden group list",
       .does = RestCall{.method = "GET",
                        .path = "/v1/groups",
                        .columns = {"name", "policy", "default", "total", "used", "remaining", "ready",
                                    "keys_ahead", "exhausted_on"}}},
      {.noun = "group",
       .verb = "show",
       .summary = "Show one key group",
       .example = "tapewarden group show DAILY",
       .arguments = {kName},
       .does = RestCall{.method = "GET", .path = "/v1/groups/{name}"}},
      {.noun = "group",
       .verb = "create",
       .summary = "Create a key group",
       .example = "tapewarden group create DAILY --keys-ahead 200",
       .arguments = with_spec_options(),
       .does = RestCall{.method = "POST", .path = "/v1/groups"}},
      {.noun = "group",
       .verb = "modify",
       .summary = "Change a key group; what is left out stays",
       .example = "tapewarden group modify DAILY --keys-ahead 500",
       .arguments = with_spec_options(),
       .does = RestCall{.method = "PATCH", .path = "/v1/groups/{name}"}},
      {.noun = "group",
       .verb = "delete",
       .summary = "Delete a key group; its keys stay and belong to none",
       .example = "tapewarden group delete DAILY --yes",
       .arguments = {kName,
                     {.name = "--yes",
                      .kind = ArgumentKind::kFlag,
                      .field = "yes",
                      .meaning = "also while it has keys that were not used"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/groups/{name}"}},
      {.noun = "group",
       .verb = "set-default",
       .summary = "Make it the default group for writing",
       .example = "tapewarden group set-default DAILY",
       .arguments = {kName},
       .does = RestCall{.method = "PUT", .path = "/v1/groups/{name}/default"}},
  };
  for (auto& command : member_commands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace tapewarden::cli

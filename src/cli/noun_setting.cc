#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> setting_commands() {
  const ArgumentSpec name{.name = "NAME", .required = true, .field = "name", .meaning = "the setting's name"};
  return {
      {.noun = "setting",
       .verb = "list",
       .summary = "List the settings in force",
       .example = "tapewarden setting list",
       .does =
           RestCall{
               .method = "GET", .path = "/v1/settings", .columns = {"name", "value", "default", "meaning"}}},
      {.noun = "setting",
       .verb = "show",
       .summary = "Show one setting and the values it takes",
       .example = "tapewarden setting show drive.unknown",
       .arguments = {name},
       .does = RestCall{.method = "GET", .path = "/v1/settings/{name}"}},
      {.noun = "setting",
       .verb = "set",
       .summary = "Change a setting",
       .example = "tapewarden setting set drive.unknown reject",
       .arguments = {name, {.name = "VALUE", .required = true, .field = "value", .meaning = "the new value"}},
       .does = RestCall{.method = "PUT", .path = "/v1/settings/{name}"}},
      {.noun = "setting",
       .verb = "unset",
       .summary = "Put a setting back to its default",
       .example = "tapewarden setting unset drive.unknown",
       .arguments = {name},
       .does = RestCall{.method = "DELETE", .path = "/v1/settings/{name}"}},
  };
}

}  // namespace tapewarden::cli

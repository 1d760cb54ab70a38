#include "cli/nouns.h"

namespace tapewarden::cli {

std::vector<Command> quota_commands() {
  const auto limit = [](std::string_view name, std::string_view field, std::string_view meaning) {
    return ArgumentSpec{.name = name, .kind = ArgumentKind::kInteger, .field = field, .meaning = meaning};
  };
  return {
      {.noun = "quota",
       .verb = "list",
       .summary = "List the quotas, with what is used of each now",
       .example = "tapewarden quota list",
       .does = RestCall{.method = "GET",
                        .path = "/v1/quotas",
                        .columns = {"id", "subject_kind", "subject", "object_kind", "object", "writes_hour",
                                    "writes_day", "reads_hour", "reads_day", "used"}}},
      {.noun = "quota",
       .verb = "add",
       .summary = "Limit the writes begun and the distinct volumes read in an hour and a day",
       .example = "tapewarden quota add partition group --subject LIB1 --object DAILY --writes-day 200",
       .arguments =
           {{.name = "WHO",
             .required = true,
             .field = "subject_kind",
             .meaning = "any, drive, proxy, partition or client (of KMIP)"},
            {.name = "WHAT", .required = true, .field = "object_kind", .meaning = "any, group or label"},
            {.name = "--subject",
             .field = "subject",
             .meaning = "serial, certificate fingerprint or name; left out for any"},
            {.name = "--object", .field = "object", .meaning = "the group or label; left out for any"},
            limit("--writes-hour", "writes_hour", "writes begun in an hour"),
            limit("--writes-day", "writes_day", "writes begun in a day"),
            limit("--reads-hour", "reads_hour", "distinct volumes read or appended to in an hour"),
            limit("--reads-day", "reads_day", "distinct volumes read or appended to in a day")},
       .does = RestCall{.method = "POST", .path = "/v1/quotas"}},
      {.noun = "quota",
       .verb = "delete",
       .summary = "Remove a quota",
       .example = "tapewarden quota delete 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa",
       .arguments = {{.name = "ID", .required = true, .field = "id", .meaning = "the quota's id"}},
       .does = RestCall{.method = "DELETE", .path = "/v1/quotas/{id}"}},
  };
}

}  // namespace tapewarden::cli

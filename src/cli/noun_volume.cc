// Logical volumes of the tape engine, by REST.
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

RestCall ask(std::string_view method, std::string_view path, std::vector<std::string_view> columns = {}) {
  return {.method = method, .path = path, .columns = std::move(columns), .server = kEngineServer};
}

const ArgumentSpec kVolser{
    .name = "VOLSER", .required = true, .field = "volser", .meaning = "a logical volume's, such as A00001"};
const ArgumentSpec kVolsers{
    .name = "VOLSER", .required = true, .field = "volser", .meaning = "one, or FIRST-LAST"};
const ArgumentSpec kMost{
    .name = "--most", .kind = ArgumentKind::kInteger, .meaning = "at most so many; all unless given"};

ArgumentSpec integer(std::string_view name, std::string_view field, std::string_view meaning) {
  return {.name = name, .kind = ArgumentKind::kInteger, .field = field, .meaning = meaning};
}

std::vector<ArgumentSpec> with_constructs(std::vector<ArgumentSpec> arguments) {
  arguments.push_back(
      {.name = "--storage-group", .field = "storage_group", .meaning = "names the pool of the primary copy"});
  arguments.push_back({.name = "--management-class",
                       .field = "management_class",
                       .meaning = "names the pool of the second copy"});
  arguments.push_back(
      integer("--preference", "preference", "0: leaves the cache first; 1 (unless given): by last access"));
  return arguments;
}

std::vector<Command> looks() {
  return {
      {.noun = "volume",
       .verb = "list",
       .summary = "List logical volumes with where their content is",
       .example = "tapewarden volume list --category private --site ~/site --as operator",
       .arguments = {{.name = "--category", .field = "category", .meaning = "scratch or private"},
                     {.name = "--storage-group", .field = "storage_group", .meaning = "one storage group"},
                     integer("--pool", "pool", "in which a copy lies; not with the two above"),
                     {.name = "--prefix", .field = "prefix", .meaning = "how the volser begins"},
                     kMost},
       .does = ask("GET", "/v1/volumes",
                   {"volser", "category", "residence", "storage_group", "management_class", "size_mib",
                    "cached_bytes", "due", "mounted", "written"})},
      {.noun = "volume",
       .verb = "show",
       .summary = "Show a logical volume: cache, copies on tape, how those were encrypted",
       .example = "tapewarden volume show A00001 --site ~/site --as operator",
       .arguments = {kVolser},
       .does = ask("GET", "/v1/volumes/{volser}")},
      {.noun = "volume",
       .verb = "search",
       .summary = "List copies on tape by pool, key label and encryption, in tape order",
       .example = "tapewarden volume search --label ARCHIVE-2026 --site ~/site --as operator",
       .arguments = {integer("--pool", "pool", "in which the copy lies"),
                     {.name = "--label",
                      .field = "label",
                      .meaning = "a key label or key's alias of its cartridge"},
                     {.name = "--encryption",
                      .field = "encryption",
                      .meaning = "of its cartridge: clear, wrapped or identified"},
                     kMost},
       .does = ask(
           "GET", "/v1/volume-copies",
           {"volser", "copy", "physical_volume", "file", "bytes", "pool", "encryption", "labels", "alias"})},
      {.noun = "volume",
       .verb = "recalls",
       .summary = "List what operators want back in the cache, and what became of it",
       .example = "tapewarden volume recalls --site ~/site --as operator",
       .does = ask("GET", "/v1/recalls", {"volser", "state", "asked", "ended", "problem"})},
  };
}

std::vector<Command> orders() {
  return {
      {.noun = "volume",
       .verb = "set",
       .summary = "Give logical volumes other constructs; what is left out stays",
       .example = "tapewarden volume set A00001-A00050 --storage-group FINANCE --site ~/site --as operator",
       .arguments =
           with_constructs({kVolsers,
                            {.name = "--allow-clear",
                             .kind = ArgumentKind::kFlag,
                             .field = "allow_clear",
                             .meaning = "though it leaves a pool that encrypts for one in clear; for "
                                        "security officers"}}),
       .does = ask("PATCH", "/v1/volumes/{volser}")},
      {.noun = "volume",
       .verb = "scratch",
       .summary = "Return logical volumes to scratch",
       .example = "tapewarden volume scratch A00001 --expire-hours 168 --site ~/site --as operator",
       .arguments = {kVolsers,
                     integer("--expire-hours", "expire_hours",
                             "their content may be deleted then; unless given, when a host uses them anew")},
       .does = ask("POST", "/v1/volumes/{volser}/scratch")},
      {.noun = "volume",
       .verb = "private",
       .summary = "Make scratch volumes private again, with the content that is still there",
       .example = "tapewarden volume private A00001 --site ~/site --as operator",
       .arguments = {kVolsers},
       .does = ask("POST", "/v1/volumes/{volser}/private")},
      {.noun = "volume",
       .verb = "recall",
       .summary = "Bring logical volumes back into the cache",
       .example = "tapewarden volume recall A00001-A00050 --site ~/site --as operator",
       .arguments = {kVolsers},
       .does = ask("POST", "/v1/volumes/{volser}/recall", {"name", "outcome", "done"})},
      {.noun = "volume",
       .verb = "evict",
       .summary = "Take logical volumes out of the cache that are on tape as their constructs want",
       .example = "tapewarden volume evict A00001-A00050 --site ~/site --as operator",
       .arguments = {kVolsers},
       .does = ask("POST", "/v1/volumes/{volser}/evict", {"name", "outcome", "done"})},
      {.noun = "volume",
       .verb = "withdraw",
       .summary = "Take scratch volumes off the library; what they hold is gone",
       .example = "tapewarden volume withdraw A00001 --site ~/site --as operator",
       .arguments = {kVolsers},
       .does = ask("DELETE", "/v1/volumes/{volser}", {"name", "outcome", "done"})},
      {.noun = "volume",
       .verb = "delete-expired",
       .summary = "Delete what scratch volumes hold whose time is over",
       .example = "tapewarden volume delete-expired --site ~/site --as operator",
       .does = ask("POST", "/v1/volumes/delete-expired")},
  };
}

Command insert() {
  return {
      .noun = "volume",
      .verb = "insert",
      .summary = "Insert scratch volumes into free slots of the library",
      .example = "tapewarden volume insert A00001-A00100 --size 4000 --site ~/site --as operator",
      .arguments = with_constructs(
          {{.name = "VOLSERS", .required = true, .field = "volsers", .meaning = "one, or FIRST-LAST"},
           integer("--size", "size_mib",
                   "in MiB: 400, 800 (unless given), 1000, 2000, 4000, 6000, 25000 or 65000"),
           {.name = "--kind", .field = "kind", .meaning = "LTO (unless given) or 3592, as drives see it"}}),
      .does = ask("POST", "/v1/volumes")};
}

}  // namespace

std::vector<Command> volume_commands() {
  std::vector<Command> commands{insert()};
  for (auto& some : {looks(), orders()}) commands.insert(commands.end(), some.begin(), some.end());
  return commands;
}

}  // namespace tapewarden::cli

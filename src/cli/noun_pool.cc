// Pools, storage groups and management classes of the tape engine, by REST.
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

RestCall ask(std::string_view method, std::string_view path, std::vector<std::string_view> columns = {}) {
  return {.method = method, .path = path, .columns = std::move(columns), .server = kEngineServer};
}

const ArgumentSpec kPool{.name = "POOL", .required = true, .field = "pool", .meaning = "0 to 32"};

ArgumentSpec integer(std::string_view name, std::string_view field, std::string_view meaning) {
  return {.name = name, .kind = ArgumentKind::kInteger, .field = field, .meaning = meaning};
}

std::vector<ArgumentSpec> set_arguments() {
  return {
      kPool,
      {.name = "--name", .field = "name", .meaning = "for people"},
      {.name = "--media", .field = "media", .meaning = "of its new cartridges: LTO or 3592"},
      {.name = "--borrow", .field = "borrow", .meaning = "scratch cartridges of pool 0: no, return or keep"},
      integer("--reclaim-pool", "reclaim_pool", "where active data of reclaimed cartridges goes"),
      {.name = "--encryption",
       .field = "encryption",
       .meaning = "off, wrapped (labels, 3592) or identified (key group, LTO)"},
      {.name = "--label1", .field = "label_1", .meaning = "key label of the first KEK"},
      {.name = "--mode1", .field = "mode_1", .meaning = "clear or hash"},
      {.name = "--label2", .field = "label_2", .meaning = "key label of the second KEK"},
      {.name = "--mode2", .field = "mode_2", .meaning = "clear or hash"},
      {.name = "--group", .field = "key_group", .meaning = "key group of LTO cartridges"},
      integer("--secure-erase-days", "secure_erase_days", "overwrite cartridges so long after they emptied"),
      integer("--threshold", "threshold_percent", "reclaim below this share of active data, 5 to 95; 0: off"),
      integer("--days-without-access", "days_without_access", "reclaim after so many days; 0: off"),
      integer("--days-since-written", "days_since_written", "reclaim after so many days; 0: off"),
      integer("--days-without-inactivation", "days_without_inactivation",
              "reclaim after so many days, with --max-active; 0: off"),
      integer("--max-active", "max_active_percent", "5 to 95, goes with --days-without-inactivation"),
      integer("--max-drives", "max_drives", "that write to it at once; 0: no limit"),
      {.name = "--unchecked",
       .kind = ArgumentKind::kFlag,
       .field = "unchecked",
       .meaning = "take labels and group although no key server can be asked"},
      {.name = "--allow-clear",
       .kind = ArgumentKind::kFlag,
       .field = "allow_clear",
       .meaning = "its data may be reclaimed into a pool that is written in clear"}};
}

std::vector<ArgumentSpec> construct_arguments(bool pool_required) {
  return {{.name = "NAME",
           .required = true,
           .field = "name",
           .meaning = "1 to 8 of A-Z, 0-9, $, @ and #; default for that of hosts that name none"},
          {.name = "--pool",
           .kind = ArgumentKind::kInteger,
           .required = pool_required,
           .field = "pool",
           .meaning = "of its copies: 1 to 32; of a management class 0 for no second copy"},
          {.name = "--description", .field = "description", .meaning = "for people"}};
}

struct Construct {
  std::string_view noun;
  std::string_view path;
  std::string_view with_name;
  std::string_view summaries[4];  // list, add, modify, remove
  std::string_view examples[4];
};

void add_construct(std::vector<Command>& commands, const Construct& construct) {
  const auto add = [&](std::size_t index, std::string_view verb, std::vector<ArgumentSpec> arguments,
                       RestCall call) {
    commands.push_back({.noun = construct.noun,
                        .verb = verb,
                        .summary = construct.summaries[index],
                        .example = construct.examples[index],
                        .arguments = std::move(arguments),
                        .does = std::move(call)});
  };
  add(0, "list", {}, ask("GET", construct.path, {"name", "pool", "description"}));
  add(1, "add", construct_arguments(true), ask("POST", construct.path));
  auto modify = construct_arguments(false);
  modify.push_back({.name = "--allow-clear",
                    .kind = ArgumentKind::kFlag,
                    .field = "allow_clear",
                    .meaning = "though its pool encrypts and the new one is written in clear"});
  add(2, "modify", std::move(modify), ask("PATCH", construct.with_name));
  add(3, "remove", {construct_arguments(false).front()}, ask("DELETE", construct.with_name));
}

constexpr Construct kStorageGroup{
    "storage-group",
    "/v1/storage-groups",
    "/v1/storage-groups/{name}",
    {"List the storage groups with the pools of primary copies",
     "Add a storage group, which names the pool of primary copies",
     "Change a storage group; what is left out stays", "Remove a storage group that no volume has"},
    {"tapewarden storage-group list --site ~/site --as operator",
     "tapewarden storage-group add FINANCE --pool 2 --site ~/site --as officer-1",
     "tapewarden storage-group modify FINANCE --pool 3 --site ~/site --as officer-1",
     "tapewarden storage-group remove FINANCE --site ~/site --as officer-1"}};
constexpr Construct kManagementClass{
    "management-class",
    "/v1/management-classes",
    "/v1/management-classes/{name}",
    {"List the management classes with the pools of second copies",
     "Add a management class, which names the pool of second copies",
     "Change a management class; what is left out stays", "Remove a management class that no volume has"},
    {"tapewarden management-class list --site ~/site --as operator",
     "tapewarden management-class add TWICE --pool 12 --site ~/site --as officer-1",
     "tapewarden management-class modify TWICE --pool 0 --site ~/site --as officer-1",
     "tapewarden management-class remove TWICE --site ~/site --as officer-1"}};

std::vector<ArgumentSpec> search_arguments() {
  return {integer("--pool", "pool", "0 to 32"),
          {.name = "--encryption",
           .field = "encryption",
           .meaning = "how they were written: unknown (never), clear, wrapped or identified"},
          {.name = "--label", .field = "label", .meaning = "a key label, or a key's alias"}};
}

}  // namespace

std::vector<Command> pool_commands() {
  std::vector<Command> commands{
      {.noun = "pool",
       .verb = "list",
       .summary = "List the pools with what they hold",
       .example = "tapewarden pool list --site ~/site --as operator",
       .does = ask("GET", "/v1/pools",
                   {"pool", "name", "media", "encryption", "keys", "borrow", "reclaim_pool", "cartridges",
                    "scratch", "active_volumes", "active_bytes"})},
      {.noun = "pool",
       .verb = "show",
       .summary = "Show one pool with all its settings",
       .example = "tapewarden pool show 2 --site ~/site --as operator",
       .arguments = {kPool},
       .does = ask("GET", "/v1/pools/{pool}")},
      {.noun = "pool",
       .verb = "set",
       .summary = "Change a pool's settings; what is left out stays",
       .example = "tapewarden pool set 2 --encryption identified --group DAILY --site ~/site --as officer-1",
       .arguments = set_arguments(),
       .does = ask("PATCH", "/v1/pools/{pool}")},
      {.noun = "pool",
       .verb = "search",
       .summary = "Count cartridges and volumes by pool, key labels and encryption",
       .example = "tapewarden pool search --encryption clear --site ~/site --as operator",
       .arguments = search_arguments(),
       .does = ask("GET", "/v1/pool-use",
                   {"pool", "encryption", "labels", "cartridges", "active_volumes", "active_bytes",
                    "written_bytes"})},
      {.noun = "pool",
       .verb = "move",
       .summary = "Have what lies on all cartridges of a pool moved to another pool",
       .example = "tapewarden pool move 1 now --to 2 --site ~/site --as operator",
       .arguments = {kPool,
                     {.name = "WHEN",
                      .required = true,
                      .field = "when",
                      .meaning = "now, when-eligible (for reclaim), or never, which takes the wish back"},
                     integer("--to", "target_pool", "the pool where the volumes go, 1 to 32"),
                     {.name = "--allow-clear",
                      .kind = ArgumentKind::kFlag,
                      .field = "allow_clear",
                      .meaning = "what a pool encrypts may lie in clear there; for security officers"}},
       .does = ask("POST", "/v1/pools/{pool}/move", {"name", "outcome", "done"})}};
  add_construct(commands, kStorageGroup);
  add_construct(commands, kManagementClass);
  return commands;
}

}  // namespace tapewarden::cli

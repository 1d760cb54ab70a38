#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kTarget{
    .name = "TARGET", .required = true, .field = "name", .meaning = "the backup target's name"};

void add_retention(std::vector<ArgumentSpec>& arguments) {
  arguments.push_back({.name = "--mode", .field = "mode", .meaning = "on-demand, schedule or after-change"});
  arguments.push_back({.name = "--every-hours",
                       .kind = ArgumentKind::kInteger,
                       .field = "every_hours",
                       .meaning = "hours between scheduled backups"});
  arguments.push_back({.name = "--keep-bases",
                       .kind = ArgumentKind::kInteger,
                       .field = "keep_bases",
                       .meaning = "how many bases are kept, with their increments"});
  arguments.push_back({.name = "--increments",
                       .kind = ArgumentKind::kInteger,
                       .field = "increments",
                       .meaning = "how many increments follow a base"});
}

const ArgumentSpec kDirectory{.name = "--directory",
                              .required = true,
                              .field = "directory",
                              .meaning = "the folder, absolute, on the server"};
const ArgumentSpec kDomain{.name = "--domain",
                           .required = true,
                           .field = "domain",
                           .meaning = "name of the failure domain: what is lost together with it"};

std::vector<Command> target_commands() {
  std::vector<ArgumentSpec> with_passphrase{kTarget,
                                            kDirectory,
                                            kDomain,
                                            {.name = "--passphrase",
                                             .kind = ArgumentKind::kSecret,
                                             .required = true,
                                             .field = "passphrase",
                                             .meaning = "what opens the backups",
                                             .ask_twice = true}};
  std::vector<ArgumentSpec> with_recipients{kTarget,
                                            kDirectory,
                                            kDomain,
                                            {.name = "--recipients",
                                             .kind = ArgumentKind::kTextFile,
                                             .required = true,
                                             .field = "recipients",
                                             .meaning = "file with the recipients' certificates (RSA, PEM)"}};
  std::vector<ArgumentSpec> changes{kTarget};
  for (auto* arguments : {&with_passphrase, &with_recipients, &changes}) add_retention(*arguments);
  changes.push_back({.name = "--domain", .field = "domain", .meaning = kDomain.meaning});
  return {
      {.noun = "backup",
       .verb = "add-target",
       .summary = "Add a backup target sealed to a passphrase",
       .example = "tapewarden backup add-target vault --directory /mnt/vault --domain building-2 --mode "
                  "after-change",
       .arguments = with_passphrase,
       .does = RestCall{.method = "POST", .path = "/v1/backups"}},
      {.noun = "backup",
       .verb = "add-target-for",
       .summary = "Add a backup target sealed to the holders of certificates",
       .example = "tapewarden backup add-target-for vault --directory /mnt/vault --domain building-2 "
                  "--recipients custodians.pem",
       .arguments = with_recipients,
       .does = RestCall{.method = "POST", .path = "/v1/backups"}},
      {.noun = "backup",
       .verb = "modify-target",
       .summary = "Change a backup target; what is left out stays",
       .example = "tapewarden backup modify-target vault --mode schedule --every-hours 12",
       .arguments = changes,
       .does = RestCall{.method = "PATCH", .path = "/v1/backups/{name}"}},
      {.noun = "backup",
       .verb = "remove-target",
       .summary = "Forget a backup target; its files stay",
       .example = "tapewarden backup remove-target vault",
       .arguments = {kTarget},
       .does = RestCall{.method = "DELETE", .path = "/v1/backups/{name}"}},
  };
}

}  // namespace

std::vector<Command> backup_commands() {
  std::vector<Command> commands{
      {.noun = "backup",
       .verb = "list",
       .summary = "List the backup targets with their state",
       .example = "tapewarden backup list",
       .does = RestCall{.method = "GET",
                        .path = "/v1/backups",
                        .columns = {"name", "domain", "mode", "behind", "last_success", "verified_at",
                                    "warning"}}},
      {.noun = "backup",
       .verb = "show",
       .summary = "Show one backup target",
       .example = "tapewarden backup show vault",
       .arguments = {kTarget},
       .does = RestCall{.method = "GET", .path = "/v1/backups/{name}"}},
      {.noun = "backup",
       .verb = "run",
       .summary = "Back up now",
       .example = "tapewarden backup run vault",
       .arguments = {kTarget,
                     {.name = "--new-base",
                      .kind = ArgumentKind::kFlag,
                      .field = "new_base",
                      .meaning = "begin a new chain with a full base"}},
       .does = RestCall{.method = "POST", .path = "/v1/backups/{name}/run"}},
      {.noun = "backup",
       .verb = "verify",
       .summary = "Prove that the newest backup restores: into a scratch keystore, every key opened",
       .example = "tapewarden backup verify vault",
       .arguments = {kTarget},
       .does = RestCall{.method = "POST", .path = "/v1/backups/{name}/verify"}},
      {.noun = "backup",
       .verb = "drill",
       .summary = "Rehearse a restore: ask a scratch server for the keys of the newest cartridges",
       .example = "tapewarden backup drill vault --cartridges 50",
       .arguments = {kTarget,
                     {.name = "--cartridges",
                      .kind = ArgumentKind::kInteger,
                      .field = "cartridges",
                      .meaning = "how many cartridges of the ledger; 20 unless given"}},
       .does = RestCall{.method = "POST", .path = "/v1/backups/{name}/drill"}},
  };
  for (auto& command : target_commands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace tapewarden::cli

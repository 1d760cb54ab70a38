// The end of keys: the same verbs for data keys and KEKs.
#include "cli/nouns.h"
#include "cli/proof_file.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kMost{.name = "--most", .meaning = "at most so many"};
const ArgumentSpec kHold{.name = "HOLD", .required = true, .field = "hold", .meaning = "the hold's id"};
const ArgumentSpec kReason{
    .name = "--reason", .required = true, .field = "reason", .meaning = "why it must be kept"};
const ArgumentSpec kUntil{.name = "--until",
                          .field = "until",
                          .meaning = "the day until which it must be kept; until taken away unless given"};
const ArgumentSpec kLost{.name = "--cartridges-lost",
                         .kind = ArgumentKind::kInteger,
                         .field = "cartridges_lost",
                         .meaning = "how many cartridges become unreadable, as `cartridges` lists them"};
const ArgumentSpec kOutput{.name = "--output", .meaning = "the file to write; standard output unless given"};

// What differs between the nouns.
struct Words {
  ArgumentSpec name;
  std::string_view noun;
  struct Verb {
    std::string_view path;
    std::string_view example;
  };
  Verb compromise, exposure, cartridges, quarantine, release, purge, hold, holds, remove_hold, destroy, proof;
};

std::vector<Command> reports(const Words& words) {
  const std::vector<std::string_view> columns{"volser", "volume", "last", "drives"};
  return {
      {.noun = words.noun,
       .verb = "exposure",
       .summary = "List all that was ever written with it: what whoever has a copy can read",
       .example = words.exposure.example,
       .arguments = {words.name, kMost},
       .does = RestCall{.method = "GET", .path = words.exposure.path, .columns = columns}},
      {.noun = words.noun,
       .verb = "cartridges",
       .summary = "List the cartridges that cannot be read without it",
       .example = words.cartridges.example,
       .arguments = {words.name, kMost},
       .does = RestCall{.method = "GET", .path = words.cartridges.path, .columns = columns}},
      {.noun = words.noun,
       .verb = "holds",
       .summary = "List its legal holds and retention dates",
       .example = words.holds.example,
       .arguments = {words.name},
       .does = RestCall{.method = "GET",
                        .path = words.holds.path,
                        .columns = {"id", "until", "in_force", "placed_by", "reason"}}},
      {.noun = words.noun,
       .verb = "destruction-proof",
       .summary = "Write the signed proof that it is gone, and what older backups still hold",
       .example = words.proof.example,
       .arguments = {words.name, kOutput},
       .does = RestCall{.method = "GET", .path = words.proof.path, .text_member = "document"}},
  };
}

std::vector<Command> changes(const Words& words) {
  return {
      {.noun = words.noun,
       .verb = "compromise",
       .summary = "Mark it as compromised, and list what it sealed and must be written anew",
       .example = words.compromise.example,
       .arguments = {words.name},
       .does = RestCall{.method = "POST",
                        .path = words.compromise.path,
                        .columns = {"volser", "volume", "last", "drives"}}},
      {.noun = words.noun,
       .verb = "quarantine",
       .summary = "Hide it: it is served to nobody, for reading neither",
       .example = words.quarantine.example,
       .arguments = {words.name},
       .does = RestCall{.method = "POST", .path = words.quarantine.path}},
      {.noun = words.noun,
       .verb = "release",
       .summary = "Take it out of quarantine",
       .example = words.release.example,
       .arguments = {words.name},
       .does = RestCall{.method = "POST", .path = words.release.path}},
      {.noun = words.noun,
       .verb = "hold",
       .summary = "Place a legal hold, or a date before which it must be kept",
       .example = words.hold.example,
       .arguments = {words.name, kReason, kUntil},
       .does = RestCall{.method = "POST", .path = words.hold.path}},
      {.noun = words.noun,
       .verb = "remove-hold",
       .summary = "Take a legal hold or retention date away; takes two officers",
       .example = words.remove_hold.example,
       .arguments = {words.name, kHold},
       .does = RestCall{.method = "DELETE", .path = words.remove_hold.path}},
      {.noun = words.noun,
       .verb = "destroy",
       .summary = "Destroy it for ever; takes two officers",
       .example = words.destroy.example,
       .arguments = {words.name, kLost},
       .does = RestCall{.method = "POST", .path = words.destroy.path}},
      {.noun = words.noun,
       .verb = "purge",
       .summary = "Destroy it for ever, out of quarantine; takes two officers",
       .example = words.purge.example,
       .arguments = {words.name, kLost},
       .does = RestCall{.method = "POST", .path = words.purge.path}},
  };
}

const Words& key_words() {
  static const Words words{
      .name = {.name = "ALIAS", .required = true, .field = "alias", .meaning = "the key's alias"},
      .noun = "key",
      .compromise = {"/v1/keys/{alias}/compromise", "tapewarden key compromise ABC000000000000000001"},
      .exposure = {"/v1/keys/{alias}/exposure", "tapewarden key exposure ABC000000000000000001"},
      .cartridges = {"/v1/keys/{alias}/cartridges", "tapewarden key cartridges ABC000000000000000001"},
      .quarantine = {"/v1/keys/{alias}/quarantine", "tapewarden key quarantine ABC000000000000000001"},
      .release = {"/v1/keys/{alias}/release", "tapewarden key release ABC000000000000000001"},
      .purge = {"/v1/keys/{alias}/purge", "tapewarden key purge ABC000000000000000001"},
      .hold = {"/v1/keys/{alias}/holds",
               "tapewarden key hold ABC000000000000000001 --reason \"case 4711\" --until 2036-12-31"},
      .holds = {"/v1/keys/{alias}/holds", "tapewarden key holds ABC000000000000000001"},
      .remove_hold =
          {"/v1/keys/{alias}/holds/{hold}",
           "tapewarden key remove-hold ABC000000000000000001 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa"},
      .destroy = {"/v1/keys/{alias}/destroy",
                  "tapewarden key destroy ABC000000000000000001 --cartridges-lost 3"},
      .proof = {"/v1/keys/{alias}/destruction-proof",
                "tapewarden key destruction-proof ABC000000000000000001 --output ABC1.destroyed"}};
  return words;
}

const Words& kek_words() {
  static const Words words{
      .name = {.name = "KEK", .required = true, .field = "kek", .meaning = "a label of it, or its hash"},
      .noun = "kek",
      .compromise = {"/v1/keks/{kek}/compromise", "tapewarden kek compromise ARCHIVE-2016"},
      .exposure = {"/v1/keks/{kek}/exposure", "tapewarden kek exposure ARCHIVE-2016"},
      .cartridges = {"/v1/keks/{kek}/cartridges", "tapewarden kek cartridges ARCHIVE-2016"},
      .quarantine = {"/v1/keks/{kek}/quarantine", "tapewarden kek quarantine ARCHIVE-2016"},
      .release = {"/v1/keks/{kek}/release", "tapewarden kek release ARCHIVE-2016"},
      .purge = {"/v1/keks/{kek}/purge", "tapewarden kek purge ARCHIVE-2016"},
      .hold = {"/v1/keks/{kek}/holds",
               "tapewarden kek hold ARCHIVE-2016 --reason \"tax law\" --until 2036-12-31"},
      .holds = {"/v1/keks/{kek}/holds", "tapewarden kek holds ARCHIVE-2016"},
      .remove_hold = {"/v1/keks/{kek}/holds/{hold}",
                      "tapewarden kek remove-hold ARCHIVE-2016 2f1c0c9a-7d0e-4c66-9d5c-0a7b9be1f8aa"},
      .destroy = {"/v1/keks/{kek}/destroy", "tapewarden kek destroy ARCHIVE-2016"},
      .proof = {"/v1/keks/{kek}/destruction-proof",
                "tapewarden kek destruction-proof ARCHIVE-2016 --output ARCHIVE-2016.destroyed"}};
  return words;
}

}  // namespace

std::vector<Command> key_life_commands() {
  std::vector<Command> all;
  for (const Words* words : {&key_words(), &kek_words()}) {
    for (auto* some : {reports, changes}) {
      for (auto& command : some(*words)) all.push_back(std::move(command));
    }
  }
  all.push_back({.noun = "key",
                 .verb = "verify-destruction",
                 .summary = "Check a proof of destruction without a server",
                 .example = "tapewarden key verify-destruction ABC1.destroyed --ca authority.crt",
                 .arguments = proof_arguments("the proof"),
                 .does = Action(verify_destruction)});
  return all;
}

}  // namespace tapewarden::cli

#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kName{.name = "NAME", .required = true, .field = "name", .meaning = "the person's name"};
const ArgumentSpec kFingerprint{.name = "--fingerprint",
                                .field = "certificate_fingerprint",
                                .meaning = "the SHA-256 of the person's client certificate, in hex"};

ArgumentSpec role(bool required) {
  return {.name = "--role",
          .required = required,
          .field = "role",
          .meaning = "security-officer, operator or auditor"};
}

ArgumentSpec new_password() {
  return {.name = "--password",
          .kind = ArgumentKind::kSecret,
          .required = true,
          .field = "password",
          .meaning = "the new password",
          .ask_twice = true};
}

std::vector<Command> change_commands() {
  return {
      {.noun = "people",
       .verb = "modify",
       .summary = "Change a person's role or certificate; ends the person's sessions",
       .example = "tapewarden people modify anna --role auditor",
       .arguments = {kName, role(false), kFingerprint},
       .does = RestCall{.method = "PATCH", .path = "/v1/people/{name}"}},
      {.noun = "people",
       .verb = "disable",
       .summary = "Keep a person from logging in; ends the person's sessions",
       .example = "tapewarden people disable anna",
       .arguments = {kName},
       .does = RestCall{.method = "PATCH", .path = "/v1/people/{name}", .constants = {{"disabled", true}}}},
      {.noun = "people",
       .verb = "enable",
       .summary = "Let a person log in again",
       .example = "tapewarden people enable anna",
       .arguments = {kName},
       .does = RestCall{.method = "PATCH", .path = "/v1/people/{name}", .constants = {{"disabled", false}}}},
      {.noun = "people",
       .verb = "delete",
       .summary = "Remove an account",
       .example = "tapewarden people delete anna",
       .arguments = {kName},
       .does = RestCall{.method = "DELETE", .path = "/v1/people/{name}"}},
      {.noun = "people",
       .verb = "set-password",
       .summary = "Set another person's password, as a security officer",
       .example = "tapewarden people set-password anna",
       .arguments = {kName, new_password()},
       .does = RestCall{.method = "PUT", .path = "/v1/people/{name}/password"}},
      {.noun = "people",
       .verb = "change-own-password",
       .summary = "Set the own password",
       .example = "tapewarden people change-own-password anna",
       .arguments = {kName,
                     {.name = "--current-password",
                      .kind = ArgumentKind::kSecret,
                      .required = true,
                      .field = "current_password",
                      .meaning = "the current password"},
                     new_password()},
       .does = RestCall{.method = "PUT", .path = "/v1/people/{name}/password"}},
  };
}

// Either daemon has people.
std::vector<Command> people_of_either(std::vector<Command> commands) {
  for (Command& command : commands) std::get<RestCall>(command.does).either = true;
  return commands;
}

}  // namespace

std::vector<Command> people_commands() {
  ArgumentSpec optional_password = new_password();
  optional_password.required = false;
  std::vector<Command> commands{
      {.noun = "people",
       .verb = "list",
       .summary = "List the people",
       .example = "tapewarden people list",
       .does = RestCall{.method = "GET",
                        .path = "/v1/people",
                        .columns = {"name", "role", "disabled", "has_password", "certificate_fingerprint"}}},
      {.noun = "people",
       .verb = "show",
       .summary = "Show one account",
       .example = "tapewarden people show anna",
       .arguments = {kName},
       .does = RestCall{.method = "GET", .path = "/v1/people/{name}"}},
      {.noun = "people",
       .verb = "add",
       .summary = "Make an account with a password",
       .example = "tapewarden people add anna --role operator",
       .arguments = {kName, role(true), new_password(), kFingerprint},
       .does = RestCall{.method = "POST", .path = "/v1/people"}},
      {.noun = "people",
       .verb = "add-with-certificate",
       .summary = "Make an account that logs in by certificate alone",
       .example = "tapewarden people add-with-certificate robot --role operator --fingerprint "
                  "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
       .arguments = {kName, role(true), kFingerprint, optional_password},
       .does = RestCall{.method = "POST", .path = "/v1/people"}},
  };
  for (auto& command : change_commands()) commands.push_back(std::move(command));
  return people_of_either(std::move(commands));
}

}  // namespace tapewarden::cli

#include "cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <map>

#include "base/nearest_words.h"
#include "base/text.h"
#include "cli/version.h"

namespace tapewarden::cli {
namespace {

constexpr std::string_view kFooter =
    "Exit status: 0 done, 1 failed or refused, 2 wrong usage, 3 not found, 4 not permitted, "
    "5 server unavailable, 6 damage found, 7 waits for a second person.";

std::string of(std::string_view view) {
  return std::string(view);
}

// What one argument is bound to while CLI11 parses. Its address stays.
struct Bound {
  const ArgumentSpec* argument = nullptr;
  std::string key;
  std::vector<std::string> texts;
  bool flag = false;
};

struct BoundCommand {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::deque<Bound> arguments;
};

std::string type_name_of(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::kInteger:
      return "NUMBER";
    case ArgumentKind::kTextFile:
    case ArgumentKind::kBinaryFile:
    case ArgumentKind::kSecret:
      return "FILE";
    case ArgumentKind::kText:
    case ArgumentKind::kList:
    case ArgumentKind::kFlag:
      break;
  }
  return "TEXT";
}

void bind(BoundCommand& command, const ArgumentSpec& argument) {
  Bound& bound = command.arguments.emplace_back();
  bound.argument = &argument;
  bound.key = of(argument.key());
  CLI::App& app = *command.app;
  if (argument.kind == ArgumentKind::kFlag) {
    app.add_flag(of(argument.name), bound.flag, of(argument.meaning));
    return;
  }
  std::string name = of(argument.name);
  std::string meaning = of(argument.meaning);
  if (argument.kind == ArgumentKind::kSecret) {
    name += "-file";
    meaning += ", from this file instead of the terminal";
    bound.key = name;
  }
  auto* option = app.add_option(name, bound.texts, meaning)->type_name(type_name_of(argument.kind));
  if (argument.kind != ArgumentKind::kList) option->expected(1);
  option->allow_extra_args(false);  // a value more is the next positional's, or a mistake
  if (argument.required && argument.kind != ArgumentKind::kSecret) option->required();
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_flag("--json", globals.json, "print JSON, for programs");
  app.add_option("--server", globals.server,
                 "the server's address, https://HOST:PORT, or with --site primary or secondary")
      ->type_name("URL");
  app.add_option("--site", globals.site, "a site's directory: use its authority, and the certificate of --as")
      ->type_name("DIR");
  app.add_option("--as", globals.as, "who of the site's people, for example officer-1")->type_name("NAME");
  app.add_option("--approval", globals.approval, "the id of the approval that a second officer has given")
      ->type_name("ID");
}

// CLI11 shows them with the program's own help alone.
std::string footer_of(const Command& command) {
  return "For every command:\n"
         "  --site DIR           a site's directory: use its authority, and the certificate of --as\n"
         "  --as NAME            who of the site's people, for example officer-1\n"
         "  --server URL         https://HOST:PORT, or with --site primary or secondary\n"
         "  --approval ID        the approval that a second officer has given\n"
         "  --json               print JSON, for programs\n\n"
         "Example: " +
         of(command.example);
}

Values values_of(const BoundCommand& command) {
  Values values;
  for (const Bound& bound : command.arguments) {
    if (bound.flag) values.add(bound.key, "true");
    for (const auto& text : bound.texts) values.add(bound.key, text);
  }
  return values;
}

void build(CLI::App& app, const std::vector<Command>& commands, std::deque<BoundCommand>& bound) {
  std::map<std::string_view, CLI::App*> nouns;
  for (const Command& command : commands) {
    CLI::App*& noun = nouns[command.noun];
    if (noun == nullptr) {
      noun = app.add_subcommand(of(command.noun), command.verb.empty() ? of(command.summary) : "");
      noun->fallthrough();
      if (!command.verb.empty()) noun->require_subcommand(1);
    }
    CLI::App* verb = noun;
    if (!command.verb.empty()) {
      verb = noun->add_subcommand(of(command.verb), of(command.summary));
      verb->fallthrough();
    }
    verb->footer(footer_of(command));
    bound.push_back({&command, verb, {}});
    for (const ArgumentSpec& argument : command.arguments) bind(bound.back(), argument);
  }
  for (auto& [name, noun] : nouns) {
    if (!noun->get_description().empty()) continue;
    std::string verbs;
    for (const auto* verb : noun->get_subcommands([](const CLI::App*) { return true; })) {
      verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
    }
    noun->description(verbs);
  }
}

// CLI11 calls a noun that there is not a missing one.
Status check_noun(const std::vector<Command>& commands, std::span<const std::string> words) {
  if (words.empty() || words.front().starts_with('-') || words.front() == "site") return {};
  const auto named = [&](const Command& command) { return command.noun == words.front(); };
  if (std::any_of(commands.begin(), commands.end(), named)) {
    if (words.size() < 2 || words[1].starts_with('-')) return {};
    std::vector<std::string> verbs;
    for (const Command& command : commands) {
      if (!named(command)) continue;
      if (command.verb.empty() || command.verb == words[1]) return {};
      verbs.emplace_back(command.verb);
    }
    return fail(ErrorCode::kInvalidArgument, "there is no command " + words.front() + " " + words[1], "",
                nearest_words(words[1], verbs));
  }
  std::vector<std::string> nouns{"site"};
  for (const Command& command : commands) {
    if (std::ranges::find(nouns, command.noun) == nouns.end()) nouns.emplace_back(command.noun);
  }
  return fail(ErrorCode::kInvalidArgument, "there is no command " + words.front(), "",
              nearest_words(words.front(), nouns) + " (tapewarden --help shows all)");
}

// Likewise an option that there is not, when another one is required.
Status check_options(const CLI::App& app, const std::deque<BoundCommand>& bound,
                     const std::vector<std::string>& words) {
  const auto meant = std::ranges::find_if(bound, [&](const BoundCommand& one) {
    return !words.empty() && one.command->noun == words.front() &&
           (one.command->verb.empty() || (words.size() > 1 && one.command->verb == words[1]));
  });
  if (meant == bound.end()) return {};
  for (const std::string& word : words) {
    if (word == "--") return {};
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || app.get_option_no_throw(name) != nullptr ||
        meant->app->get_option_no_throw(name) != nullptr) {
      continue;
    }
    std::vector<std::string> known;
    for (const CLI::App* one : {static_cast<const CLI::App*>(meant->app), &app}) {
      for (const CLI::Option* option : one->get_options()) {
        for (const std::string& text : option->get_lnames())
          if (std::ranges::find(known, "--" + text) == known.end()) known.push_back("--" + text);
      }
    }
    return fail(ErrorCode::kInvalidArgument, title_of(*meant->command) + " has no option " + name, "",
                nearest_words(name, known));
  }
  return {};
}

}  // namespace

Result<Parsed> parse_command_line(const std::vector<Command>& commands, std::vector<std::string> words) {
  TRY(check_noun(commands, words));
  CLI::App app{"Tapewarden keeps the keys of encrypted tape and runs the tape itself.", "tapewarden"};
  app.set_version_flag("--version", of(kVersion));
  app.require_subcommand(1);
  app.footer(of(kFooter));
  Parsed parsed;
  add_globals(app, parsed.globals);
  std::deque<BoundCommand> bound;
  build(app, commands, bound);
  app.add_subcommand("site", "init DIR, renew DIR, check, verify-audit: run by tapewarden-keyd");
  app.get_subcommand("catalogue")->add_subcommand("rebuild", "--config FILE: run by tapewarden-taped");
  TRY(check_options(app, bound, words));
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    parsed.text = app.help();
    return parsed;
  } catch (const CLI::CallForAllHelp&) {
    parsed.text = app.help("", CLI::AppFormatMode::All);
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.text = "tapewarden " + of(kVersion) + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::kInvalidArgument, error.what(), "", "add --help to see what the command takes");
  }
  for (const BoundCommand& candidate : bound) {
    if (!candidate.app->parsed() ||
        (candidate.command->verb.empty() && !candidate.app->get_subcommands().empty())) {
      continue;
    }
    parsed.command = candidate.command;
    parsed.values = values_of(candidate);
  }
  return parsed;
}

}  // namespace tapewarden::cli

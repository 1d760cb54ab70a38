#include <map>

#include "cli/context.h"
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

// A bash function that offers nouns, then verbs, then options: made from the table.
std::string bash_script(const std::vector<Command>& commands) {
  std::map<std::string_view, std::string> verbs;
  std::map<std::string, std::string> options;
  for (const Command& command : commands) {
    verbs[command.noun] += (command.verb.empty() ? "" : " ") + std::string(command.verb);
    std::string& line = options[title_of(command)];
    for (const ArgumentSpec& argument : command.arguments) {
      if (!argument.is_option()) continue;
      line += " " + std::string(argument.name) + (argument.kind == ArgumentKind::kSecret ? "-file" : "");
    }
  }
  verbs["catalogue"] += " rebuild";  // run by another program
  std::string nouns = "site";
  std::string cases;
  for (const auto& [noun, list] : verbs) {
    nouns += " " + std::string(noun);
    cases += "    \"" + std::string(noun) + "\") words=\"" + list + "\";;\n";
  }
  std::string option_cases;
  for (const auto& [title, list] : options) {
    option_cases += "    \"" + title + "\"*) words=\"" + list + " --json --server --site --as --help\";;\n";
  }
  return "_tapewarden() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
         "  local line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
         "  case \"$line\" in\n"
         "    \"\") words=\"" +
         nouns + "\";;\n" + cases + option_cases +
         "  esac\n"
         "  if [ \"${current#-}\" = \"$current\" ] && [ -z \"$words\" ]; then\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _tapewarden tapewarden\n";
}

Status print(Context& context, const Values&) {
  *context.out << bash_script(all_commands());
  return {};
}

}  // namespace

std::vector<Command> completion_commands() {
  return {{.noun = "completion",
           .summary = "Print a script that completes commands in bash",
           .example = "tapewarden completion > /etc/bash_completion.d/tapewarden",
           .does = Action(print)}};
}

}  // namespace tapewarden::cli

// From the words of a command line to a command and its values. Not thread-safe.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"

namespace tapewarden::cli {

struct Parsed {
  const Command* command = nullptr;  // nullptr: only `text` is to be shown
  Values values;
  Globals globals;
  std::string text;  // help or version, for standard output
};

// `words` without the program's name. kInvalidArgument with the parser's own words otherwise.
Result<Parsed> parse_command_line(const std::vector<Command>& commands, std::vector<std::string> words);

}  // namespace tapewarden::cli

// The command line from its words to its exit status.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace tapewarden::cli {

// What main() of `tapewarden` calls. Returns the exit status (cli/exit_code.h).
int run(int argc, char** argv);

// The same with a context of the caller's own, for tests; `words` without the program's name.
int run(Context& context, std::vector<std::string> words);

// The command line's own words for `tapewarden site VERB ...` in those of tapewarden-keyd, which does it.
// kInvalidArgument for a verb that there is not. `words` begins behind "site".
Result<std::vector<std::string>> site_words(const std::vector<std::string>& words);

// The same for `tapewarden catalogue VERB ...` and tapewarden-taped.
Result<std::vector<std::string>> catalogue_words(const std::vector<std::string>& words);

}  // namespace tapewarden::cli

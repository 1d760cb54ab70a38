// A running site, and the shell in its folder for openssl and tar.
#pragma once

#include <gmock/gmock.h>

#include "integration/tape_site.h"

namespace tapewarden::testing {

class InteropSite : public TapeSite {
 protected:
  // Runs a shell script in the site's folder, ended by its first command that fails; its output.
  static Result<std::string> shell(const std::string& script) {
    const auto result =
        TRY(run_command({"/bin/sh", "-ec", "cd '" + site().directory() + "'\n" + script}, file("shell.log")));
    if (result.end.exit_code == 0) return result.output;
    return fail(ErrorCode::kInternal, script + ": " + result.output);
  }
};

}  // namespace tapewarden::testing

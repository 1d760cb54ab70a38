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
  // `tapewarden` as a security officer of the primary server.
  static Result<std::string> as_officer(std::vector<std::string> arguments,
                                        const std::string& officer = "officer-1") {
    arguments.insert(arguments.end(),
                     {"--site", site().directory(), "--as", officer, "--server",
                      "https://127.0.0.1:" + std::to_string(site().https_port(Which::kPrimary))});
    return tapewarden(std::move(arguments));
  }
  // What needs two officers: asked for by the first, approved by the second, done by the first.
  static Result<std::string> as_both_officers(std::vector<std::string> arguments) {
    const auto asked = as_officer(arguments);
    constexpr std::string_view kBefore = "(request ";
    const auto at = asked ? std::string::npos : asked.error().message.find(kBefore);
    if (at == std::string::npos) return asked;
    const auto start = at + kBefore.size();
    const auto& text = asked.error().message;
    const std::string request = text.substr(start, text.find_first_of(",)", start) - start);
    (void)TRY(as_officer({"approval", "approve", request}, "officer-2"));
    arguments.insert(arguments.end(), {"--approval", request});
    return as_officer(std::move(arguments));
  }
};

}  // namespace tapewarden::testing

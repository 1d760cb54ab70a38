// Virtual drives and cartridges of a running site, by the command line as people use it.
#pragma once

#include <fstream>

#include "integration/running_site.h"

namespace tapewarden::testing {

inline std::vector<std::uint8_t> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline Bytes random_file(Random& random, const std::string& path, std::size_t bytes) {
  Bytes content(bytes);
  random.fill(content);
  std::ofstream(path, std::ios::binary).write(as_text(content).data(), static_cast<std::streamsize>(bytes));
  return content;
}

// The request that an answer says a second officer must approve; empty when it says something else.
inline std::string consent_asked_for(const Error& answer) {
  constexpr std::string_view kBefore = "(request ";
  const auto at = answer.message.find(kBefore);
  if (at == std::string::npos) return {};
  const auto start = at + kBefore.size();
  return answer.message.substr(start, answer.message.find_first_of(",)", start) - start);
}

// A running site whose tests make virtual drives and cartridges with the command line.
class TapeSite : public RunningSite {
 protected:
  static std::string file(const std::string& name) { return site().path(name); }
  // Runs `tapewarden` to its end; its output.
  static Result<std::string> tapewarden(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("tapewarden"));
    const auto result = TRY(run_command(arguments, file("tapewarden.log")));
    if (result.end.exit_code == 0) return result.output;
    return fail(ErrorCode::kInternal, arguments[1] + " " + arguments[2] + ": " + result.output);
  }
  // A virtual drive in the drive table, and a cartridge for it.
  static Status make_drive(const std::string& kind, const std::string& serial, const std::string& volser) {
    const std::string folder = site().directory();
    TRY(tapewarden({"drive", "create", "--site", folder, "--kind", kind, "--serial", serial}));
    TRY(tapewarden({"drive", "enrol", "--site", folder, "--serial", serial}));
    TRY(rest().post("/v1/drives/00" + serial + "/accept"));
    TRY(tapewarden({"cartridge", "create", file(volser), "--kind", kind, "--volser", volser}));
    return {};
  }
  static Status tape(const std::string& verb, const std::string& serial, const std::string& volser,
                     std::vector<std::string> options) {
    options.insert(options.begin(), {"tape", verb, "--site", site().directory(), "--drive", serial,
                                     "--cartridge", file(volser)});
    TRY(tapewarden(std::move(options)));
    return {};
  }
  // The same as an operator of the primary server, by his certificate.
  static Result<std::string> as_operator(std::vector<std::string> arguments) {
    return as_person("operator", std::move(arguments));
  }
  static Result<std::string> as_person(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--site", site().directory(), "--as", name, "--server",
                      "https://127.0.0.1:" + std::to_string(site().https_port(Which::kPrimary))});
    return tapewarden(std::move(arguments));
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
    const std::string request = asked ? std::string() : consent_asked_for(asked.error());
    if (request.empty()) return asked;
    (void)TRY(as_officer({"approval", "approve", request}, "officer-2"));
    arguments.insert(arguments.end(), {"--approval", request});
    return as_officer(std::move(arguments));
  }
};

}  // namespace tapewarden::testing

#include "harness/library_target.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/process.h"
#include "harness/test_site.h"

namespace tapewarden::testing {
namespace {

constexpr int kMissing = 77;  // of the scripts: a program is not installed
constexpr std::chrono::seconds kDeadline{120};

Result<CommandResult> run_script(const std::string& script, const std::string& action,
                                 const LibrarySettings& settings) {
  const std::string& folder = settings.folder;
  return run_command({"/usr/bin/env", "TW_BIN=" + std::filesystem::path(program("x")).parent_path().string(),
                      "CARTRIDGE_MIB=" + std::to_string(settings.cartridge_mib),
                      std::string("WORM=") + (settings.worm ? "yes" : ""), script, action, folder},
                     folder + "/" + action + ".log", kDeadline);
}

std::string line_of(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string() : found->second;
}

std::map<std::string, std::string> read_settings(const std::string& path) {
  std::map<std::string, std::string> settings;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) settings[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return settings;
}

}  // namespace

Result<std::unique_ptr<LibraryTarget>> LibraryTarget::start(const LibrarySettings& settings) {
  std::unique_ptr<LibraryTarget> target(new LibraryTarget());
  target->folder_ = settings.folder;
  target->script_ =
      std::string(TW_TEST_SOURCE) + "/tests/interop/guest/targets/" + (settings.encrypting ? "taped" : "tgt");
  std::error_code ignored;
  std::filesystem::create_directories(settings.folder, ignored);
  const auto started = TRY(run_script(target->script_, "start", settings));
  if (started.end.exit_code == kMissing) {
    std::string reason = started.output;
    std::ranges::replace(reason, '\n', ' ');
    return fail(ErrorCode::kNotFound, reason);
  }
  if (started.end.exit_code != 0) return fail(ErrorCode::kUnavailable, started.output);
  const auto values = read_settings(settings.folder + "/settings");
  target->port_ = static_cast<std::uint16_t>(std::stoul("0" + line_of(values, "PORT")));
  std::ifstream(settings.folder + "/pid") >> target->pid_;
  target->iqn_ = line_of(values, "IQN");
  target->user_ = line_of(values, "CHAP_USER");
  target->password_ = line_of(values, "CHAP_PASSWORD");
  return target;
}

LibraryTarget::~LibraryTarget() {
  (void)run_script(script_, "stop", {.folder = folder_});
}

}  // namespace tapewarden::testing

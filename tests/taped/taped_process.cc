#include "taped/taped_process.h"

#include <cstdlib>
#include <filesystem>
#include <signal.h>
#include <thread>

#include "base/real_env.h"
#include "base/text.h"
#include "harness/test_site.h"

namespace tapewarden::testing {
namespace {

constexpr std::size_t kFileLimit = 64U << 10;
constexpr std::chrono::seconds kDeadline{30};
constexpr std::chrono::milliseconds kPoll{10};

// The text between `before` and `after`.
std::string between(const std::string& text, const std::string& before, char after) {
  const auto at = text.find(before);
  if (at == std::string::npos) return {};
  const auto start = at + before.size();
  return text.substr(start, text.find(after, start) - start);
}

Result<std::string> read_text(const std::string& path) {
  RealDisk disk;
  return std::string(as_text(TRY(read_file(disk, path, kFileLimit))));
}

}  // namespace

Result<std::unique_ptr<TapedProcess>> TapedProcess::make() {
  std::unique_ptr<TapedProcess> taped(new TapedProcess());
  TRY(taped->make_folder());
  TRY(taped->prepare());
  return taped;
}

Result<std::unique_ptr<TapedProcess>> TapedProcess::of_site(const std::string& site,
                                                            std::vector<std::string> options) {
  std::unique_ptr<TapedProcess> taped(new TapedProcess());
  TRY(taped->make_folder());
  taped->site_ = site;
  TRY(taped->make_library(std::move(options)));
  return taped;
}

Result<std::unique_ptr<TapedProcess>> TapedProcess::copy() const {
  std::unique_ptr<TapedProcess> taped(new TapedProcess());
  TRY(taped->make_folder());
  std::error_code error;
  std::filesystem::copy(directory_, taped->directory_, std::filesystem::copy_options::recursive, error);
  if (error) return fail(ErrorCode::kIo, error.message());
  taped->site_ = taped->directory_ + "/site";
  taped->target_ = target_;
  taped->password_ = password_;
  return taped;
}

Status TapedProcess::make_folder() {
  std::string name = std::filesystem::temp_directory_path().string() + "/tapewarden-taped-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail(ErrorCode::kIo, "no temporary folder can be made");
  directory_ = name;
  return {};
}

Status TapedProcess::prepare() {
  site_ = directory_ + "/site";
  const auto made =
      TRY(run_command({program("tapewarden-keyd"), "site-init", site_}, directory_ + "/commands.log"));
  if (made.end.exit_code != 0) return fail(ErrorCode::kInternal, made.output);
  TRY(make_library({}));
  TRY(library({"add-cartridges", "A00001L9-A00004L9", "--capacity", "64M"}));
  return {};
}

Status TapedProcess::make_library(std::vector<std::string> options) {
  options.insert(options.begin(), "init");
  TRY(library(std::move(options)));
  target_ = between(TRY(read_text(config_path())), "target = \"", '"');
  TRY(edit_config("port = 3260", "port = 0"));
  TRY(edit_config("port = 2443", "port = 0"));
  password_ = TRY(read_text(site_ + "/engine/iscsi-secret"));
  password_.erase(password_.find_last_not_of('\n') + 1);
  return {};
}

Status TapedProcess::edit_config(const std::string& from, const std::string& to) {
  auto config = TRY(read_text(config_path()));
  const auto at = config.find(from);
  if (at == std::string::npos) return fail(ErrorCode::kNotFound, from + " is not in the configuration");
  config.replace(at, from.size(), to);
  RealDisk disk;
  return write_file_atomically(disk, config_path(), as_bytes(config));
}

Status TapedProcess::let_everybody_in() {
  TRY(edit_config("user = \"library\"", "# user"));
  return edit_config("secret_file = \"iscsi-secret\"", "# secret_file");
}

Result<std::vector<std::string>> TapedProcess::drives() const {
  const auto list = between(TRY(read_text(config_path())), "\ndrives = [", ']');
  std::vector<std::string> serials;
  for (const auto& drive : split(list, ',')) serials.push_back(split(between(drive, "\"", '"'), ' ')[1]);
  return serials;
}

TapedProcess::~TapedProcess() {
  process_.reset();
  if (std::getenv("TAPEWARDEN_KEEP") == nullptr) std::filesystem::remove_all(directory_);
}

Status TapedProcess::start() {
  process_ = TRY(Process::start({program("tapewarden-taped"), "run", "--config", config_path()},
                                directory_ + "/taped.log"));
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto port = between(log(), "ready: iSCSI 127.0.0.1:", ',');
    if (!port.empty()) {
      port_ = static_cast<std::uint16_t>(std::stoul(port));
      return {};
    }
    if (!process_->running()) break;
    std::this_thread::sleep_for(kPoll);
  }
  return fail(ErrorCode::kUnavailable, "tapewarden-taped is not ready: " + log());
}

Result<int> TapedProcess::stop() {
  process_->signal(SIGTERM);
  const auto end = process_->wait(kDeadline);
  if (!end) return fail(ErrorCode::kTimeout, "tapewarden-taped does not stop");
  return end->exit_code;
}

Status TapedProcess::start_and_kill(std::chrono::milliseconds life) {
  process_ = TRY(Process::start({program("tapewarden-taped"), "run", "--config", config_path()},
                                directory_ + "/taped.log"));
  std::this_thread::sleep_for(life);
  kill_hard();
  return {};
}

void TapedProcess::kill_hard() {
  process_->kill();
}

Result<std::string> TapedProcess::library(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {program("tapewarden"), "library"});
  arguments.insert(arguments.end(), {"--site", site_});
  const auto result = TRY(run_command(arguments, directory_ + "/commands.log"));
  if (result.end.exit_code == 0) return result.output;
  return fail(ErrorCode::kConflict, result.output);
}

Login TapedProcess::login() const {
  return {.port = port_, .target = target_, .user = "library", .password = password_};
}

}  // namespace tapewarden::testing

#include "harness/test_site.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/loopback.h"

namespace tapewarden::testing {

namespace {

constexpr std::chrono::milliseconds kStart{60'000};
constexpr std::chrono::milliseconds kStop{30'000};
constexpr int kPortAttempts = 3;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string address(std::uint16_t dkx, std::uint16_t https) {
  return "127.0.0.1:" + std::to_string(dkx) + ":" + std::to_string(https);
}

bool in_step(RestClient& rest) {
  const auto status = rest.get("/v1/status");
  if (!status || !status->at("peer").is_object()) return false;
  return status->at("peer").at("in_step").as_bool();
}

}  // namespace

std::string to_string(Which which) {
  return which == Which::kPrimary ? "primary" : "secondary";
}

std::string program(const std::string& name) {
  const char* folder = std::getenv("TAPEWARDEN_BIN");
  return std::string(folder != nullptr ? folder : TW_TEST_BIN) + "/" + name;
}

Result<std::unique_ptr<TestSite>> TestSite::make() {
  std::unique_ptr<TestSite> site(new TestSite());
  std::string name = std::filesystem::temp_directory_path().string() + "/tapewarden-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail(ErrorCode::kIo, "no temporary folder can be made");
  site->directory_ = name + "/site";
  site->loop_ = std::make_unique<net::Loop>(2);
  TRY(site->make_site());
  return site;
}

Status TestSite::make_site() {
  const auto ports = free_ports(4);
  if (ports.empty()) return fail(ErrorCode::kIo, "no free ports");
  const auto made = TRY(run_command({program("tapewarden-keyd"), "site-init", directory_, "--primary",
                                     address(ports[0], ports[1]), "--secondary", address(ports[2], ports[3])},
                                    std::filesystem::path(directory_).parent_path().string() + "/init.log"));
  if (made.end.exit_code != 0) return fail(ErrorCode::kInternal, "site-init: " + made.output);
  for (const Which which : {Which::kPrimary, Which::kSecondary}) {
    Server& here = server(which);
    const auto first = static_cast<std::size_t>(which) * 2;
    here.dkx_port = ports[first];
    here.https_port = ports[first + 1];
    here.rest = TRY(RestClient::make(*loop_, disk_, here.https_port, path("people/officer-1"),
                                     path("engine/tls/authorities.crt")));
  }
  return {};
}

TestSite::~TestSite() {
  for (auto& here : servers_) {
    here.process.reset();
    here.rest.reset();
  }
  std::error_code ignored;
  if (std::getenv("TAPEWARDEN_KEEP") == nullptr) {
    std::filesystem::remove_all(std::filesystem::path(directory_).parent_path(), ignored);
  }
}

std::string TestSite::folder(Which which) const {
  return path(to_string(which));
}

Status TestSite::start(Which which) {
  // A port that was free may have been taken as the near end of somebody's connection: tried again then.
  for (int attempt = 1;; ++attempt) {
    auto process =
        TRY(Process::start({program("tapewarden-keyd"), "run", "--config", folder(which) + "/keyd.toml"},
                           path(to_string(which) + ".log")));
    const bool said = eventually(
        [&] { return !process.running() || process.output().find(" ready:") != std::string::npos; }, kStart);
    if (said && process.running()) {
      server(which).process = std::move(process);
      return {};
    }
    const std::string output = process.output();
    if (attempt == kPortAttempts || output.find("in use") == std::string::npos) {
      return fail(ErrorCode::kUnavailable, to_string(which) + " did not start: " + output);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

Status TestSite::start_both() {
  TRY(start(Which::kPrimary));
  TRY(start(Which::kSecondary));
  return wait_in_step();
}

Status TestSite::stop(Which which) {
  auto& process = server(which).process;
  if (!process) return {};
  process->signal(SIGTERM);
  const auto end = process->wait(kStop);
  const std::string output = process->output();
  process.reset();
  if (!end) return fail(ErrorCode::kTimeout, to_string(which) + " did not stop: " + output);
  if (end->exit_code != 0) {
    return fail(ErrorCode::kInternal, to_string(which) + " ended with exit code " +
                                          std::to_string(end->exit_code) + ", signal " +
                                          std::to_string(end->signal) + ": " + output);
  }
  return {};
}

void TestSite::kill_hard(Which which) {
  server(which).process.reset();
}

bool TestSite::running(Which which) {
  auto& process = server(which).process;
  return process && process->running();
}

pid_t TestSite::pid(Which which) const {
  const auto& process = server(which).process;
  return process ? process->pid() : -1;
}

std::string TestSite::log(Which which) const {
  return read_text(path(to_string(which) + ".log"));
}

Result<CommandResult> TestSite::check(Which which) const {
  return run_command({program("tapewarden-keyd"), "check", "--config", folder(which) + "/keyd.toml"},
                     path("check.log"));
}

Status TestSite::wait_in_step() {
  const bool done =
      eventually([&] { return in_step(rest(Which::kPrimary)) && in_step(rest(Which::kSecondary)); }, kStart);
  if (!done) return fail(ErrorCode::kTimeout, "the servers did not come into step");
  return {};
}

Status TestSite::without_peer(Which which) {
  const std::string file = folder(which) + "/keyd.toml";
  std::string text = read_text(file);
  const auto from = text.find("[peer]");
  const auto to = text.find("[log]");
  if (from == std::string::npos || to == std::string::npos || to < from) {
    return fail(ErrorCode::kCorrupt, file + " has no [peer] before [log]");
  }
  text.erase(from, to - from);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  return {};
}

}  // namespace tapewarden::testing

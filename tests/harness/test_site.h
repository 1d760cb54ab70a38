// A site of two key servers in a temporary folder, as `tapewarden-keyd site-init` makes it, run as real
// processes on free loopback ports. Not thread-safe, but for rest().
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/real_env.h"
#include "crypto/random.h"
#include "harness/process.h"
#include "harness/rest_client.h"

namespace tapewarden::testing {

enum class Which : std::uint8_t { kPrimary = 0, kSecondary = 1 };

// The folder of the programs under test: TAPEWARDEN_BIN, or where the build put them.
std::string program(const std::string& name);

class TestSite {
 public:
  // A new folder with a ready site; nothing runs yet.
  static Result<std::unique_ptr<TestSite>> make();
  ~TestSite();  // ends the servers; deletes the folder unless TAPEWARDEN_KEEP is set
  TestSite(const TestSite&) = delete;
  TestSite& operator=(const TestSite&) = delete;

  // Starts and waits for the line that says it is ready. kUnavailable with the log when it ends first.
  Status start(Which which);
  Status start_both();
  Status stop(Which which);     // SIGTERM and wait; kInternal unless it exits with 0
  void kill_hard(Which which);  // SIGKILL
  bool running(Which which);
  pid_t pid(Which which) const;
  std::string log(Which which) const;
  // `check` of a stopped server.
  Result<CommandResult> check(Which which) const;
  // Both say that the peer is in step.
  Status wait_in_step();
  // Takes [peer] out of the configuration: a server on its own from the next start on.
  Status without_peer(Which which);

  RestClient& rest(Which which) { return *server(which).rest; }
  std::uint16_t dkx_port(Which which) const { return server(which).dkx_port; }
  std::uint16_t https_port(Which which) const { return server(which).https_port; }
  const std::string& directory() const { return directory_; }
  std::string folder(Which which) const;
  std::string path(const std::string& below) const { return directory_ + "/" + below; }
  net::Loop& loop() { return *loop_; }
  Disk& disk() { return disk_; }
  Random& random() { return random_; }

 private:
  struct Server {
    std::uint16_t dkx_port = 0;
    std::uint16_t https_port = 0;
    std::optional<Process> process;
    std::unique_ptr<RestClient> rest;
  };
  TestSite() = default;
  Status make_site();
  Server& server(Which which) { return servers_.at(static_cast<std::size_t>(which)); }
  const Server& server(Which which) const { return servers_.at(static_cast<std::size_t>(which)); }

  RealDisk disk_;
  crypto::SystemRandom random_;
  std::unique_ptr<net::Loop> loop_;
  std::string directory_;
  std::array<Server, 2> servers_;
};

std::string to_string(Which which);

// Polls until `condition` holds; false after the deadline.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds deadline = std::chrono::seconds{30}) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

}  // namespace tapewarden::testing

// A site's virtual library in a temporary folder, served by a real tapewarden-taped on a free loopback port.
// Not thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "harness/process.h"
#include "taped/initiator.h"

namespace tapewarden::testing {

class TapedProcess {
 public:
  // `tapewarden-keyd site-init`, `library init`, cartridges A00001L9 to A00004L9 in slots 1 to 4; nothing
  // runs yet.
  static Result<std::unique_ptr<TapedProcess>> make();
  // The library of a site that is there: `library init` with the options given, no cartridges.
  static Result<std::unique_ptr<TapedProcess>> of_site(const std::string& site,
                                                       std::vector<std::string> options = {});
  // A copy with a folder of its own: keys are slow to make.
  Result<std::unique_ptr<TapedProcess>> copy() const;
  ~TapedProcess();  // ends the process, deletes the folder unless TAPEWARDEN_KEEP is set

  // Starts and waits for the line that says it is ready. kUnavailable with the log when it ends first.
  Status start();
  // SIGTERM and wait; the exit status.
  Result<int> stop();
  void kill_hard();  // SIGKILL
  // Starts and kills it so soon that it may not be ready yet.
  Status start_and_kill(std::chrono::milliseconds life);
  // `tapewarden library VERB…` of this site; its output. kConflict with the output when it fails.
  Result<std::string> library(std::vector<std::string> arguments);

  // Replaces a text of the configuration that stands there once.
  Status edit_config(const std::string& from, const std::string& to);
  // No password is asked for from the next start on.
  Status let_everybody_in();
  // The serials of its drives.
  Result<std::vector<std::string>> drives() const;

  Login login() const;
  std::string log() const { return process_ ? process_->output() : ""; }
  std::string config_path() const { return site_ + "/engine/taped.toml"; }
  // In the folder that a fresh configuration names.
  std::string library_path() const { return site_ + "/engine/library"; }
  std::string cartridge_path(const std::string& barcode) const {
    return library_path() + "/cartridges/" + barcode + ".twc";
  }
  bool running() { return process_ && process_->running(); }

 private:
  TapedProcess() = default;
  Status make_folder();
  Status prepare();
  Status make_library(std::vector<std::string> options);
  std::string directory_;
  std::string site_;
  std::string target_;
  std::string password_;
  std::uint16_t port_ = 0;
  std::optional<Process> process_;
};

}  // namespace tapewarden::testing

// One child process of a test: started with its arguments, its output in a file, ended by its own id. Not
// thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/error.h"

namespace tapewarden::testing {

// How a process ended.
struct ProcessEnd {
  int exit_code = -1;  // of a process that exited
  int signal = 0;      // that ended it, or 0
};

class Process {
 public:
  // Output and errors are appended to `log`. kIo when it cannot be started.
  static Result<Process> start(const std::vector<std::string>& arguments, const std::string& log);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // SIGKILL when it still runs

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // Nothing when it still runs after the deadline.
  std::optional<ProcessEnd> wait(std::chrono::milliseconds deadline);
  // SIGKILL, then wait.
  void kill();
  // What it has written since it was started.
  std::string output() const;

 private:
  Process(pid_t pid, std::string log, std::size_t log_start);
  bool reap(bool block);

  pid_t pid_ = -1;
  std::string log_;
  std::size_t log_start_ = 0;
  std::optional<ProcessEnd> end_;
};

struct CommandResult {
  ProcessEnd end;
  std::string output;  // and errors
};
// Runs a command to its end. kTimeout: it was killed.
Result<CommandResult> run_command(const std::vector<std::string>& arguments, const std::string& log,
                                  std::chrono::milliseconds deadline = std::chrono::seconds{60});

}  // namespace tapewarden::testing

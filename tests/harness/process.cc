#include "harness/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace tapewarden::testing {

namespace {

constexpr std::chrono::milliseconds kLook{2};

std::size_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::size_t>(size);
}

// No signal is blocked in the child, whatever the test's own threads block.
void unblock_signals(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
}

}  // namespace

Result<Process> Process::start(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv;
  for (auto& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  unblock_signals(attributes);
  const std::size_t log_start = size_of(log);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return fail(ErrorCode::kIo, "cannot start " + arguments.front() + ": error " + std::to_string(failed));
  }
  return Process(pid, log, log_start);
}

Process::Process(pid_t pid, std::string log, std::size_t log_start)
    : pid_(pid), log_(std::move(log)), log_start_(log_start) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      log_(std::move(other.log_)),
      log_start_(other.log_start_),
      end_(other.end_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    log_ = std::move(other.log_);
    log_start_ = other.log_start_;
    end_ = other.end_;
  }
  return *this;
}

Process::~Process() {
  kill();
}

bool Process::reap(bool block) {
  if (end_ || pid_ < 0) return true;
  int status = 0;
  pid_t got = -1;
  do got = ::waitpid(pid_, &status, block ? 0 : WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got == 0) return false;
  ProcessEnd end;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  end_ = end;
  return true;
}

bool Process::running() {
  return !reap(false);
}

void Process::signal(int number) const {
  if (pid_ > 0 && !end_) ::kill(pid_, number);
}

std::optional<ProcessEnd> Process::wait(std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!reap(false)) {
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
    std::this_thread::sleep_for(kLook);
  }
  return end_;
}

void Process::kill() {
  if (pid_ < 0 || end_) return;
  signal(SIGKILL);
  reap(true);
}

std::string Process::output() const {
  std::ifstream in(log_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(log_start_));
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Result<CommandResult> run_command(const std::vector<std::string>& arguments, const std::string& log,
                                  std::chrono::milliseconds deadline) {
  Process process = TRY(Process::start(arguments, log));
  const auto end = process.wait(deadline);
  if (!end) return fail(ErrorCode::kTimeout, arguments.front() + " did not end in time: " + process.output());
  return CommandResult{*end, process.output()};
}

}  // namespace tapewarden::testing

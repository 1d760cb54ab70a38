// Invariants
//  1. While armed, the three signals are blocked in the arming thread, but within poll: so no system call
//     of a library is cut short by them.
//  2. Threads that are older have them not blocked: the handler then runs there, and wakes the poll by a byte
//     in the pipe.
#include "cli/interruption.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <unistd.h>

#include "cli/exit_code.h"

namespace tapewarden::cli {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};
constexpr int kSignalledExit = 128;  // plus the signal's number, as shells have it

std::atomic<int> came{0};   // the signal, or 0
std::atomic<int> wake{-1};  // the writing end of the pipe
static_assert(std::atomic<int>::is_always_lock_free);

struct Armed {
  std::array<struct sigaction, kSignals.size()> before{};
  sigset_t mask{};  // of the thread, before
  int pipe[2] = {-1, -1};
};
std::optional<Armed> armed;
unsigned users = 0;  // Interruptions that live

extern "C" void take_note(int signal) {
  const int reason = errno;
  if (came.exchange(signal) != 0) ::_exit(kSignalledExit + signal);
  (void)!::write(wake.load(), "", 1);
  errno = reason;
}

sigset_t the_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : kSignals) ::sigaddset(&set, signal);
  return set;
}

bool is_pending() {
  sigset_t pending;
  ::sigpending(&pending);
  for (const int signal : kSignals)
    if (::sigismember(&pending, signal) == 1) return true;
  return false;
}

Status await(int descriptor, short events) {
  if (!armed) return {};
  while (true) {
    TRY(check_interruption());
    std::array<pollfd, 2> polled{{{descriptor, events, 0}, {armed->pipe[0], POLLIN, 0}}};
    const int ready = ::ppoll(polled.data(), polled.size(), nullptr, &armed->mask);
    if (ready < 0 && errno != EINTR)
      return fail(ErrorCode::kIo, std::string("cannot wait for data: ") + std::strerror(errno));
    if (ready > 0 && polled[0].revents != 0) return check_interruption();
  }
}

}  // namespace

Interruption::Interruption() {
  if (users++ != 0) return;
  came = 0;
  armed.emplace();
  if (::pipe2(armed->pipe, O_CLOEXEC | O_NONBLOCK) == 0) wake = armed->pipe[1];
  const sigset_t signals = the_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, &armed->mask);
  struct sigaction action{};
  action.sa_handler = take_note;  // without SA_RESTART: what waits shall end
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &armed->before[i]);
}

Interruption::~Interruption() {
  if (--users != 0) return;
  ::pthread_sigmask(SIG_SETMASK, &armed->mask, nullptr);
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &armed->before[i], nullptr);
  wake = -1;
  for (const int end : armed->pipe)
    if (end >= 0) ::close(end);
  armed.reset();
}

Interruption::Window::Window() {
  if (armed) ::pthread_sigmask(SIG_SETMASK, &armed->mask, nullptr);
}

Interruption::Window::~Window() {
  const sigset_t signals = the_signals();
  if (armed) ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Status check_interruption() {
  if (!armed || (came == 0 && !is_pending())) return {};
  return fail(ErrorCode::kUnavailable, "ended by a signal", "", "", kInterrupted);
}

Status await_readable(int descriptor) {
  return await(descriptor, POLLIN);
}

Status await_writable(int descriptor) {
  return await(descriptor, POLLOUT);
}

}  // namespace tapewarden::cli

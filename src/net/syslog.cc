#include "net/syslog.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <future>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/thread_annotations.h"

namespace tapewarden::net {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectPatience{5'000};
constexpr milliseconds kSendPatience{5'000};
constexpr milliseconds kRetry{1'000};
constexpr milliseconds kLastRetry{100};  // while the sender ends

constexpr std::string_view kTextStart = " audit - ";  // of syslog_message()

struct Waiting {
  SyslogSeverity severity;
  WallTime at;
  std::string text;
};

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() { reset(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool open() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno));
}

Status wait_writable(const Socket& socket, milliseconds patience) {
  pollfd polled{socket.get(), POLLOUT, 0};
  const int ready = ::poll(&polled, 1, static_cast<int>(patience.count()));
  if (ready == 0) return fail(ErrorCode::kTimeout, "the syslog does not take what is sent");
  if (ready < 0) return system_error("cannot wait for the syslog");
  return {};
}

Result<Socket> connect_to(const std::string& address, const SyslogTarget& target) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = target.way == SyslogWay::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(target.port).c_str(), &hints, &found) != 0) {
    return fail(ErrorCode::kUnavailable, "'" + address + "' is no address");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> free(found, &::freeaddrinfo);
  Socket made(::socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.open()) return system_error("cannot make a socket");
  if (::connect(made.get(), found->ai_addr, found->ai_addrlen) == 0) return made;
  if (errno != EINPROGRESS) return system_error("cannot reach the syslog");
  TRY(wait_writable(made, kConnectPatience));
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    errno = error;
    return system_error("cannot reach the syslog");
  }
  return made;
}

}  // namespace

struct SyslogSender::State {
  State(Clock& c, SyslogTarget t, SyslogOrigin o, std::shared_ptr<Resolver> r)
      : clock(c),
        target(std::move(t)),
        origin(std::move(o)),
        resolver(r ? std::move(r) : make_system_resolver()) {}

  void run();
  bool send_one(const Waiting& line);
  Status hand_over(const Waiting& line);
  Status hand_to_socket(const Waiting& line);
  Status open_socket();
  void drop_if_ended();
  Status send_all(std::string_view bytes);

  Clock& clock;
  const SyslogTarget target;
  const SyslogOrigin origin;
  const std::shared_ptr<Resolver> resolver;
  Socket socket;  // its thread only

  mutable Mutex mutex;
  CondVar wake;
  std::deque<Waiting> queue TW_GUARDED_BY(mutex);
  SyslogHealth health TW_GUARDED_BY(mutex);
  bool stopping TW_GUARDED_BY(mutex) = false;
  std::chrono::steady_clock::time_point give_up TW_GUARDED_BY(mutex){};
  std::thread thread;  // last: it uses the others
};

Status SyslogSender::State::open_socket() {
  if (socket.open()) return {};
  auto answer = std::make_shared<std::promise<ResolveResult>>();
  auto resolved = answer->get_future();
  resolver->resolve(target.host, kConnectPatience,
                    [answer](ResolveResult result) { answer->set_value(std::move(result)); });
  if (resolved.wait_for(kConnectPatience) != std::future_status::ready) {
    return fail(ErrorCode::kTimeout, "'" + target.host + "' was not found in time");
  }
  const auto addresses = TRY(resolved.get());
  Status last = fail(ErrorCode::kNotFound, "'" + target.host + "' has no address");
  for (const auto& address : addresses) {
    auto made = connect_to(address, target);
    if (made) {
      socket = std::move(*made);
      return {};
    }
    last = std::unexpected(made.error());
  }
  return last;
}

Status SyslogSender::State::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      TRY(wait_writable(socket, kSendPatience));
    } else if (errno != EINTR) {
      return system_error("the syslog does not take what is sent");
    }
  }
  return {};
}

// TCP takes a line for a connection whose other end is gone already, and says so only later: look first. What
// is lost between two looks is the price of a protocol without answers.
void SyslogSender::State::drop_if_ended() {
  if (target.way != SyslogWay::kTcp || !socket.open()) return;
  char byte = 0;
  if (::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0) socket.reset();
}

// A message that was cut off by an error is sent again whole on the next connection.
Status SyslogSender::State::hand_to_socket(const Waiting& line) {
  drop_if_ended();
  TRY(open_socket());
  std::string message = syslog_message(origin, line.severity, line.at, line.text);
  if (target.way == SyslogWay::kTcp) message.insert(0, std::to_string(message.size()) + " ");
  Status sent = send_all(message);
  if (!sent) socket.reset();
  return sent;
}

Status SyslogSender::State::hand_over(const Waiting& line) {
  if (target.way != SyslogWay::kLocal) return hand_to_socket(line);
  // syslog(3) writes name, time and process itself; the text passes the same sieve.
  const std::string message = syslog_message(origin, line.severity, line.at, line.text);
  const auto text = message.find(kTextStart) + kTextStart.size();
  ::syslog(LOG_AUTHPRIV | static_cast<int>(line.severity), "%s", message.substr(text).c_str());
  return {};
}

// False when it is time to end.
bool SyslogSender::State::send_one(const Waiting& line) {
  while (true) {
    const Status sent = hand_over(line);
    const MutexLock lock(mutex);
    if (sent) {
      ++health.sent;
      health.last_error.clear();
      return true;
    }
    health.last_error = sent.error().message;
    wake.wait_for(mutex, stopping ? kLastRetry : kRetry);
    if (stopping && std::chrono::steady_clock::now() >= give_up) {
      ++health.dropped;
      return false;
    }
  }
}

void SyslogSender::State::run() {
  while (true) {
    Waiting next;
    {
      const MutexLock lock(mutex);
      while (queue.empty() && !stopping) wake.wait(mutex);
      if (queue.empty()) return;
      next = std::move(queue.front());
      queue.pop_front();
    }
    if (!send_one(next)) return;
  }
}

SyslogSender::SyslogSender(Clock& clock, SyslogTarget target, SyslogOrigin origin,
                           std::shared_ptr<Resolver> resolver)
    : state_(std::make_unique<State>(clock, std::move(target), std::move(origin), std::move(resolver))) {
  // The name is kept by the C library as a pointer: it must live as long as the process.
  if (state_->target.way == SyslogWay::kLocal) ::openlog("tapewarden-keyd", LOG_PID, LOG_AUTHPRIV);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

SyslogSender::~SyslogSender() {
  {
    const MutexLock lock(state_->mutex);
    state_->stopping = true;
    state_->give_up = std::chrono::steady_clock::now() + kSyslogFarewell;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

void SyslogSender::send(SyslogSeverity severity, std::string_view text) {
  const WallTime now = state_->clock.wall_now();
  {
    const MutexLock lock(state_->mutex);
    if (state_->queue.size() >= kSyslogQueueLimit) {
      ++state_->health.dropped;
      return;
    }
    state_->queue.push_back({severity, now, std::string(text.substr(0, kSyslogTextLimit + 1))});
  }
  state_->wake.notify_all();
}

SyslogHealth SyslogSender::health() const {
  const MutexLock lock(state_->mutex);
  return state_->health;
}

}  // namespace tapewarden::net

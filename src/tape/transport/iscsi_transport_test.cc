// What becomes of a session whose target goes away. The library keeps pointers to what it was asked and uses
// them when its context goes. So its calls are watched here: nobody may write to a task after it was freed,
// and nothing may be told to a place on the stack whose function has returned.
#include "tape/transport/iscsi_transport.h"

#include <array>
#include <atomic>
#include <bit>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "tape/transport/testing/breaking_target.h"

namespace tapewarden::tape {
namespace {

using namespace std::chrono_literals;

constexpr int kFreed = 0x5eed;                  // as status of a task that was freed
constexpr std::uintptr_t kFramesBelow = 65536;  // bytes of stack in which functions that returned had theirs

template <typename Function>
Function* real(const char* name) {
  return std::bit_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

class Watch {
 public:
  void freed(scsi_task* task) {
    const std::lock_guard lock(mutex_);
    task->status = kFreed;
    tasks_.push_back(task);
  }
  void asked(iscsi_command_cb told, void* whom) {
    const std::lock_guard lock(mutex_);
    told_ = told;
    whom_ = whom;
  }
  void tell(iscsi_context* context, int status, void* data) {
    iscsi_command_cb told = nullptr;
    void* whom = nullptr;
    {
      const std::lock_guard lock(mutex_);
      std::swap(told, told_);
      std::swap(whom, whom_);
    }
    told(context, status, data, whom);
  }
  // `frame` is that of the function in which the context goes. What would be told to a dead frame is not.
  void context_goes(const void* frame) {
    const std::lock_guard lock(mutex_);
    const auto here = std::bit_cast<std::uintptr_t>(frame);
    const auto place = std::bit_cast<std::uintptr_t>(whom_);
    if (place >= here || place + kFramesBelow < here) return;
    ++dangling_;
    told_ = [](iscsi_context*, int, void*, void*) {};
  }
  int dangling() {
    const std::lock_guard lock(mutex_);
    return std::exchange(dangling_, 0);
  }
  // How many tasks were written to after they were freed. Then they really are.
  int written_to() {
    const std::lock_guard lock(mutex_);
    int written = 0;
    for (auto* task : std::exchange(tasks_, {})) {
      if (task->status != kFreed) ++written;
      real<decltype(scsi_free_scsi_task)>("scsi_free_scsi_task")(task);
    }
    return written;
  }
  std::atomic<int> failures{0};  // of iscsi_service

 private:
  std::mutex mutex_;
  std::vector<scsi_task*> tasks_;
  iscsi_command_cb told_ = nullptr;
  void* whom_ = nullptr;
  int dangling_ = 0;
};

Watch& watch() {
  static Watch the_watch;
  return the_watch;
}

void tell_watch(iscsi_context* context, int status, void* data, void* /*whom*/) {
  watch().tell(context, status, data);
}

}  // namespace
}  // namespace tapewarden::tape

// In place of the library's functions of the same names.
extern "C" {
void scsi_free_scsi_task(scsi_task* task) {
  tapewarden::tape::watch().freed(task);
}
int iscsi_service(iscsi_context* context, int events) {
  const int result = tapewarden::tape::real<decltype(iscsi_service)>("iscsi_service")(context, events);
  if (result != 0) ++tapewarden::tape::watch().failures;
  return result;
}
int iscsi_login_async(iscsi_context* context, iscsi_command_cb told, void* whom) {
  tapewarden::tape::watch().asked(told, whom);
  return tapewarden::tape::real<decltype(iscsi_login_async)>("iscsi_login_async")(
      context, tapewarden::tape::tell_watch, whom);
}
int iscsi_logout_async(iscsi_context* context, iscsi_command_cb told, void* whom) {
  tapewarden::tape::watch().asked(told, whom);
  return tapewarden::tape::real<decltype(iscsi_logout_async)>("iscsi_logout_async")(
      context, tapewarden::tape::tell_watch, whom);
}
int iscsi_destroy_context(iscsi_context* context) {
  tapewarden::tape::watch().context_goes(__builtin_frame_address(0));
  return tapewarden::tape::real<decltype(iscsi_destroy_context)>("iscsi_destroy_context")(context);
}
}

namespace tapewarden::tape {
namespace {

using testing::BreakingTarget;

const Bytes kTestUnitReady(6);
const Bytes kWrite{0x0a, 0, 0x10, 0, 0, 0};
constexpr std::size_t kWritten = std::size_t{1} << 20;
constexpr auto kPatience = 60s;  // never waited for unless something is wrong

class IscsiBreak : public ::testing::Test {
 protected:
  void SetUp() override {
    watch().failures = 0;
    ASSERT_TRUE(target_.listening());
  }
  // Nothing that went is used.
  static void expect_nothing_left_behind() {
    EXPECT_EQ(watch().dangling(), 0) << "a function's frame was written to after it had returned";
    EXPECT_EQ(watch().written_to(), 0) << "a task was written to after it had been freed";
  }
  Result<std::unique_ptr<IscsiTransport>> open() const { return open_at(target_.port(), {}); }
  static Result<std::unique_ptr<IscsiTransport>> open_at(std::uint16_t port, const IscsiLogin& login) {
    const IscsiUrl url{.host = "127.0.0.1", .port = port, .target = "iqn.2026-01.invalid.test:x"};
    return IscsiTransport::open(url, login);
  }
  static auto ready(Transport& transport) { return transport.execute(kTestUnitReady, {}, 0, 20s); }
  // Until the session at rest has seen that it is broken.
  static void wait_for_the_break() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (watch().failures == 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
    ASSERT_NE(watch().failures, 0);
  }
  void expect_a_new_session_works() {
    target_.expect({.logins = true, .commands = 2});
    const auto transport = open();
    ASSERT_TRUE(transport.has_value());
    EXPECT_TRUE(ready(**transport).has_value());
  }

  BreakingTarget target_;
};

TEST_F(IscsiBreak, D3_ACommandAfterABreakAtRestLeavesNothingBehind) {
  target_.expect({.logins = true, .commands = 1, .at_rest = true});
  {
    const auto transport = open();
    ASSERT_TRUE(transport.has_value());
    ASSERT_TRUE(ready(**transport).has_value());
    wait_for_the_break();
    EXPECT_EQ(ready(**transport).error().code, ErrorCode::kUnavailable) << "it was not sent";
    EXPECT_FALSE(ready(**transport).has_value()) << "it is not made anew";
  }
  expect_nothing_left_behind();
  expect_a_new_session_works();
  expect_nothing_left_behind();
}

TEST_F(IscsiBreak, D3_ABrokenSessionAtRestEndsAndLeavesNothingBehind) {
  target_.expect({.logins = true, .commands = 1, .at_rest = true});
  {
    const auto transport = open();
    ASSERT_TRUE(transport.has_value());
    ASSERT_TRUE(ready(**transport).has_value());
    wait_for_the_break();
  }
  expect_nothing_left_behind();
}

TEST_F(IscsiBreak, D3_ABreakInACommandIsToldAndLeavesNothingBehind) {
  const Bytes data(kWritten, 7);
  for (const bool reset : {false, true}) {
    for (const bool writes : {false, true}) {
      target_.expect({.logins = true, .commands = 0, .reset = reset});
      const auto transport = open();
      ASSERT_TRUE(transport.has_value());
      const auto answer = writes ? (*transport)->execute(kWrite, data, 0, 20s) : ready(**transport);
      ASSERT_FALSE(answer.has_value());
      EXPECT_EQ(answer.error().code, ErrorCode::kIo) << "what it did is not known";
      EXPECT_EQ(ready(**transport).error().code, ErrorCode::kUnavailable);
    }
    expect_nothing_left_behind();
    expect_a_new_session_works();
  }
  expect_nothing_left_behind();
}

// A portal on loopback at which nobody accepts anything. Its queue takes one connection; when that is taken
// it answers no further packets, as a machine does that is gone.
class DeafPortal {
 public:
  explicit DeafPortal(bool queue_is_full) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(listener_, plain(), size), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    EXPECT_EQ(::getsockname(listener_, plain(), &size), 0);
    if (!queue_is_full) return;
    for (auto& caller : callers_) {
      caller = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)::connect(caller, plain(), size);
    }
  }
  ~DeafPortal() {
    for (const int caller : callers_)
      if (caller >= 0) ::close(caller);
    ::close(listener_);
  }
  DeafPortal(const DeafPortal&) = delete;
  DeafPortal& operator=(const DeafPortal&) = delete;
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  sockaddr* plain() { return static_cast<sockaddr*>(static_cast<void*>(&address_)); }
  int listener_;
  sockaddr_in address_{};
  std::array<int, 4> callers_{-1, -1, -1, -1};
};

// The kernel would try for two minutes.
TEST_F(IscsiBreak, D3_APortalThatDoesNotAnswerIsGivenUpInTime) {
  for (const bool queue_is_full : {true, false}) {
    const DeafPortal portal(queue_is_full);
    IscsiLogin login;
    login.connect_timeout = 1s;
    const auto transport = open_at(portal.port(), login);
    ASSERT_FALSE(transport.has_value());
    EXPECT_EQ(transport.error().code, ErrorCode::kTimeout) << queue_is_full << transport.error().text();
    EXPECT_NE(transport.error().message.find("within 1 second"), std::string::npos)
        << transport.error().message;
    expect_nothing_left_behind();
  }
}

TEST_F(IscsiBreak, D3_ALoginThatBreaksLeavesNothingBehind) {
  for (const bool reset : {false, true}) {
    target_.expect({.logins = false, .reset = reset});
    EXPECT_FALSE(open().has_value());
    expect_nothing_left_behind();
  }
  expect_a_new_session_works();
  expect_nothing_left_behind();
}

}  // namespace
}  // namespace tapewarden::tape

// A session of libiscsi that survives the death of its target: the library's own functions that wait
// (…_sync) leave pointers to their stack, and to the task, in its queues when the connection breaks, and it
// uses them when the context is destroyed. Header only, for the tests that are built with libiscsi. One
// thread.
#pragma once

#include <cerrno>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <string>

namespace tapewarden::testing {

class LibiscsiSession {
 public:
  explicit LibiscsiSession(const std::string& initiator)
      : context_(iscsi_create_context(initiator.c_str())) {}
  ~LibiscsiSession() { end(); }  // cuts the connection
  LibiscsiSession(const LibiscsiSession&) = delete;
  LibiscsiSession& operator=(const LibiscsiSession&) = delete;

  iscsi_context* context() const { return context_; }  // null after it broke
  // What the library said last.
  std::string error() const { return context_ != nullptr ? iscsi_get_error(context_) : error_; }

  // Not the "full" connect of libiscsi: that swallows the first unit attention of LUN 0.
  bool connect(const std::string& portal) {
    if (iscsi_connect_sync(context_, portal.c_str()) != 0) return false;
    told_ = false;
    if (iscsi_login_async(context_, tell, this) != 0 || !wait()) return false;
    return status_ == SCSI_STATUS_GOOD;
  }
  // True: the target answered. Otherwise nothing of `task` or its buffers is in use any more.
  bool run(unsigned lun, scsi_task* task, iscsi_data* data_out) {
    if (context_ == nullptr) return false;
    told_ = false;
    const bool told =
        iscsi_scsi_command_async(context_, static_cast<int>(lun), task, tell, data_out, this) == 0 && wait();
    if (told && task->status >= 0 && task->status <= 0xff) return true;
    // Data that were not sent yet stay in the queue, however the command ended.
    if (!told || data_out != nullptr) end();
    return false;
  }

 private:
  static constexpr int kLookMilliseconds = 1'000;  // between two looks at what takes too long

  static void tell(iscsi_context* /*context*/, int status, void* /*data*/, void* session) {
    auto& self = *static_cast<LibiscsiSession*>(session);
    self.status_ = status;
    self.told_ = true;
  }
  bool wait() {
    while (!told_) {
      pollfd waiting{.fd = iscsi_get_fd(context_),
                     .events = static_cast<short>(iscsi_which_events(context_)),
                     .revents = 0};
      const int ready = ::poll(&waiting, 1, kLookMilliseconds);
      if (ready < 0 && errno != EINTR) return false;
      if (iscsi_service(context_, ready > 0 ? waiting.revents : 0) != 0 && !told_) return false;
    }
    return true;
  }
  void end() {
    if (context_ == nullptr) return;
    error_ = iscsi_get_error(context_);
    iscsi_destroy_context(context_);
    context_ = nullptr;
  }

  iscsi_context* context_;
  std::string error_;
  bool told_ = false;
  int status_ = SCSI_STATUS_ERROR;
};

}  // namespace tapewarden::testing

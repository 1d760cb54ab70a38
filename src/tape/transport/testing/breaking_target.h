// An iSCSI target on a free loopback port that lets everybody in, answers every command with GOOD, and breaks
// connections when it was told to. expect() may be called from any thread.
#pragma once

#include <sys/types.h>
#include <thread>

#include "base/bytes.h"
#include "base/thread_annotations.h"

namespace tapewarden::tape::testing {

// What the next connections see.
struct TargetConduct {
  bool logins = true;    // else they break at the first login request
  int commands = 0;      // that are answered; the next breaks the connection unanswered
  bool at_rest = false;  // it breaks as soon as so many are answered instead
  bool reset = false;    // it breaks by RST, as of a machine that is gone, instead of FIN
};

class BreakingTarget {
 public:
  BreakingTarget();
  ~BreakingTarget();  // the sessions with it have to be gone
  BreakingTarget(const BreakingTarget&) = delete;
  BreakingTarget& operator=(const BreakingTarget&) = delete;

  bool listening() const { return port_ != 0; }
  std::uint16_t port() const { return port_; }
  void expect(const TargetConduct& conduct) TW_EXCLUDES(mutex_);

 private:
  struct Request;
  void serve_all() TW_EXCLUDES(mutex_);
  void serve(int connection, const TargetConduct& conduct);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  Mutex mutex_;
  TargetConduct conduct_ TW_GUARDED_BY(mutex_);
  std::thread serving_;
};

}  // namespace tapewarden::tape::testing

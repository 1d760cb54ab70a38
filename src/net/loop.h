// The threads that move bytes. Each thread has its own event queue and each connection stays on one thread,
// so a session's callbacks never run side by side and need no lock. Callbacks run on these threads: they must
// not block (hand long work to an Executor and answer later).
//
// A Loop must outlive the servers and clients made on it. Thread-safe.
#pragma once

#include <memory>

namespace tapewarden::net {

class Loop {
 public:
  // REQUIRES: 1 <= threads <= kMaxLoopThreads.
  explicit Loop(unsigned threads);
  // Closes whatever is still open, without draining, and joins. REQUIRES: not called on one of its threads.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  unsigned threads() const;
  // True when called from one of this loop's threads: blocking calls are forbidden there.
  bool on_loop_thread() const;

 private:
  friend struct LoopAccess;
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr unsigned kMaxLoopThreads = 64;

}  // namespace tapewarden::net

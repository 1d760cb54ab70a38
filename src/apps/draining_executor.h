// An executor that knows what of it is still to be done, so that a server can wait for its own tasks before
// it takes away what they use. Thread-safe.
#pragma once

#include <chrono>
#include <memory>

#include "base/env.h"

namespace tapewarden::apps {

class DrainingExecutor final : public Executor {
 public:
  // Borrows `inner`, which may run what is left after this object is gone.
  explicit DrainingExecutor(Executor& inner);

  void post(std::function<void()> task) override;
  // Does not count as something to be done before it is due.
  void post_after(std::chrono::milliseconds delay, std::function<void()> task) override;

  // Waits until nothing is queued or running; false when the deadline passed first. REQUIRES: not called by a
  // task.
  bool wait_idle(std::chrono::milliseconds deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tapewarden::apps

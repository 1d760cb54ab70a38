// The threads that work with tape: each does one piece of work after the other, and waits for a wake, with a
// bound, when there is none. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::apps {

class EngineWorkers {
 public:
  struct Parts {
    // One piece of work to its end. False: there was none. An error is logged, and the work tried again after
    // a pause.
    std::function<Result<bool>()> step;
    // When something that was put off is due, on the steady clock; nothing: when somebody wakes.
    std::function<std::optional<SteadyTime>()> next_attempt;
    Clock& clock;
  };
  static constexpr std::chrono::milliseconds kLongestWait{5'000};

  EngineWorkers() = default;
  ~EngineWorkers() { stop(); }

  // REQUIRES: not started before.
  void start(std::size_t threads, Parts parts);
  // There may be something to do. Also before start().
  void wake() TW_EXCLUDES(mutex_);
  // Waits for the pieces of work under way.
  void stop() TW_EXCLUDES(mutex_);

 private:
  void run(const Parts& parts) TW_EXCLUDES(mutex_);
  // False: the end has come.
  bool wait(const Parts& parts, std::uint64_t seen) TW_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar woken_;
  std::uint64_t wakes_ TW_GUARDED_BY(mutex_) = 0;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace tapewarden::apps

// What was in vain, and when it is tried again. Times are the steady clock's: a clock step neither hurries
// nor holds up anything. Nobody sleeps here. Thread-safe; the clock outlives it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/env.h"
#include "base/thread_annotations.h"

namespace tapewarden::engine {

class RetryPauses {
 public:
  explicit RetryPauses(Clock& clock) : clock_(clock) {}

  // Not before `first` has passed; each further time in vain doubles it, up to kLongestPause.
  void put_off(const std::string& what, std::chrono::milliseconds first) TW_EXCLUDES(mutex_);
  // It went well, or something has changed: at once, and from the first pause on.
  void clear(const std::string& what) TW_EXCLUDES(mutex_);
  void clear_all() TW_EXCLUDES(mutex_);
  bool paused(const std::string& what) const TW_EXCLUDES(mutex_);
  // When the first pause that is not over ends.
  std::optional<SteadyTime> next_end() const TW_EXCLUDES(mutex_);

 private:
  struct Pause {
    SteadyTime until{};
    std::chrono::milliseconds length{};
  };
  Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Pause> pauses_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine

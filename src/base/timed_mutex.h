// A mutex for which somebody waits for a while only, with its lock and its condition (thread_annotations.h
// has those without a time).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/thread_annotations.h"

namespace tapewarden {

class TW_CAPABILITY("mutex") TimedMutex {
 public:
  void lock() TW_ACQUIRE() { mutex_.lock(); }
  bool try_lock() TW_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  template <typename Rep, typename Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> limit) TW_TRY_ACQUIRE(true) {
    return mutex_.try_lock_for(limit);
  }
  void unlock() TW_RELEASE() { mutex_.unlock(); }

 private:
  std::timed_mutex mutex_;
};

class TW_SCOPED_CAPABILITY TimedMutexLock {
 public:
  explicit TimedMutexLock(TimedMutex& mutex) TW_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~TimedMutexLock() TW_RELEASE() { mutex_.unlock(); }
  TimedMutexLock(const TimedMutexLock&) = delete;
  TimedMutexLock& operator=(const TimedMutexLock&) = delete;

 private:
  TimedMutex& mutex_;
};

// Waits with the mutex held; the caller tests its condition in a loop.
class TimedMutexCondition {
 public:
  void wait(TimedMutex& mutex) TW_REQUIRES(mutex) { condition_.wait(mutex); }
  template <typename Rep, typename Period>
  bool wait_for(TimedMutex& mutex, std::chrono::duration<Rep, Period> limit) TW_REQUIRES(mutex) {
    return condition_.wait_for(mutex, limit) == std::cv_status::no_timeout;
  }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace tapewarden

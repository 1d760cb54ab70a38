// Lock declarations that clang's thread-safety analysis checks. Empty under g++.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TW_ANNOTATION(x) __attribute__((x))
#else
#define TW_ANNOTATION(x)
#endif

#define TW_CAPABILITY(x) TW_ANNOTATION(capability(x))
#define TW_SCOPED_CAPABILITY TW_ANNOTATION(scoped_lockable)
#define TW_GUARDED_BY(x) TW_ANNOTATION(guarded_by(x))
#define TW_REQUIRES(...) TW_ANNOTATION(requires_capability(__VA_ARGS__))
#define TW_ACQUIRE(...) TW_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TW_RELEASE(...) TW_ANNOTATION(release_capability(__VA_ARGS__))
#define TW_EXCLUDES(...) TW_ANNOTATION(locks_excluded(__VA_ARGS__))
#define TW_NO_THREAD_SAFETY_ANALYSIS TW_ANNOTATION(no_thread_safety_analysis)

namespace tapewarden {

class TW_CAPABILITY("mutex") Mutex {
 public:
  void lock() TW_ACQUIRE() { mutex_.lock(); }
  void unlock() TW_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class TW_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TW_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TW_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with the Mutex held; REQUIRES the caller to hold it and to test its condition in a loop.
class CondVar {
 public:
  void wait(Mutex& mutex) TW_REQUIRES(mutex) { condition_.wait(mutex); }
  template <typename Rep, typename Period>
  bool wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> limit) TW_REQUIRES(mutex) {
    return condition_.wait_for(mutex, limit) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace tapewarden

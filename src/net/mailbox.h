// Internal to net/. Things handed to one thread by any other: whoever puts the first one in wakes the owner,
// so that many hand-overs cost one wake-up. Thread-safe.
#pragma once

#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace tapewarden::net {

template <typename T>
class Mailbox {
 public:
  // True when it was empty: the caller must then wake the owner.
  [[nodiscard]] bool put(T item) {
    const MutexLock lock(mutex_);
    items_.push_back(std::move(item));
    return items_.size() == 1;
  }
  std::vector<T> take() {
    const MutexLock lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  Mutex mutex_;
  std::vector<T> items_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::net

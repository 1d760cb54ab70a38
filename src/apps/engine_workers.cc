#include "apps/engine_workers.h"

#include <algorithm>

#include "apps/log.h"

namespace tapewarden::apps {

void EngineWorkers::start(std::size_t threads, Parts parts) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this, parts] { run(parts); });
}

void EngineWorkers::wake() {
  {
    const MutexLock lock(mutex_);
    ++wakes_;
  }
  woken_.notify_all();
}

void EngineWorkers::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool EngineWorkers::wait(const Parts& parts, std::uint64_t seen) {
  auto patience = kLongestWait;
  if (const auto due = parts.next_attempt()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - parts.clock.steady_now());
    patience = std::clamp(left, std::chrono::milliseconds{1}, kLongestWait);
  }
  const MutexLock lock(mutex_);
  if (!stopping_ && wakes_ == seen) woken_.wait_for(mutex_, patience);
  return !stopping_;
}

void EngineWorkers::run(const Parts& parts) {
  bool goes_on = true;
  while (goes_on) {
    std::uint64_t seen = 0;
    {
      const MutexLock lock(mutex_);
      if (stopping_) return;
      seen = wakes_;
    }
    const auto worked = parts.step();
    if (!worked) log(LogLevel::kError, "work with tape: " + worked.error().text());
    if (!worked || !*worked) goes_on = wait(parts, seen);
  }
}

}  // namespace tapewarden::apps

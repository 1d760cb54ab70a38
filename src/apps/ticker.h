// A thread that does one thing again and again, with a pause between, until it is asked to end. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include "base/thread_annotations.h"

namespace tapewarden::apps {

class Ticker {
 public:
  // The first call of `work` comes after the first pause, or at the first poke().
  Ticker(std::chrono::milliseconds pause, std::function<void()> work)
      : Ticker(pause, pause, std::move(work)) {}
  // The first call comes after `first`.
  Ticker(std::chrono::milliseconds first, std::chrono::milliseconds pause, std::function<void()> work);
  ~Ticker();  // waits for the work under way
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // Ends the pause: `work` is called at once, or once more when it is under way.
  void poke();

 private:
  void run();

  const std::chrono::milliseconds first_;
  const std::chrono::milliseconds pause_;
  const std::function<void()> work_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  bool poked_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tapewarden::apps

#include "apps/ticker.h"

namespace tapewarden::apps {

Ticker::Ticker(std::chrono::milliseconds first, std::chrono::milliseconds pause, std::function<void()> work)
    : first_(first), pause_(pause), work_(std::move(work)), thread_([this] { run(); }) {}

Ticker::~Ticker() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Ticker::poke() {
  {
    const MutexLock lock(mutex_);
    poked_ = true;
  }
  wake_.notify_all();
}

void Ticker::run() {
  for (auto pause = first_;; pause = pause_) {
    {
      const MutexLock lock(mutex_);
      // A wake-up without cause only means that the work is done a little early.
      if (!stopping_ && !poked_) wake_.wait_for(mutex_, pause);
      if (stopping_) return;
      poked_ = false;
    }
    work_();
  }
}

}  // namespace tapewarden::apps

#include "apps/sweeper.h"

namespace tapewarden::apps {

Sweeper::Sweeper(store::Keystore& keystore, std::chrono::milliseconds interval,
                 std::function<void(const std::string&)> alarm)
    : keystore_(keystore), interval_(interval), alarm_(std::move(alarm)), thread_([this] { run(); }) {}

Sweeper::~Sweeper() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::vector<std::string> Sweeper::findings() const {
  const MutexLock lock(mutex_);
  return findings_;
}

void Sweeper::run() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      if (!stopping_) wake_.wait_for(mutex_, interval_);
      if (stopping_) return;
    }
    std::vector<std::string> found = sweep();
    for (const auto& text : found) alarm_(text);
    const MutexLock lock(mutex_);
    findings_ = std::move(found);
  }
}

std::vector<std::string> Sweeper::sweep() {
  std::vector<std::string> out;
  const auto note = [&](const Result<std::vector<store::Fault>>& faults) {
    if (!faults) return out.push_back("the keystore could not be swept: " + faults.error().text());
    for (const auto& fault : *faults) {
      out.push_back("the keystore is damaged: " + fault.table + " " + fault.key + " is " + fault.what +
                    "; restore this server from its peer");
    }
  };
  note(keystore_.verify());
  note(keystore_.verify_log());
  return out;
}

}  // namespace tapewarden::apps

#include "apps/sweeper.h"

#include <sys/resource.h>

namespace tapewarden::apps {

namespace {
constexpr int kPoliteness = 10;  // serving goes first
}

Sweeper::Sweeper(store::Keystore& keystore, std::chrono::milliseconds first,
                 std::chrono::milliseconds interval, std::function<void(const std::string&)> alarm)
    : keystore_(keystore), alarm_(std::move(alarm)), ticker_(first, interval, [this] { run(); }) {}

std::vector<std::string> Sweeper::findings() const {
  const MutexLock lock(mutex_);
  return findings_;
}

void Sweeper::run() {
  (void)::setpriority(PRIO_PROCESS, 0, kPoliteness);  // on Linux: of this thread alone
  std::vector<std::string> found = sweep();
  for (const auto& text : found) alarm_(text);
  const MutexLock lock(mutex_);
  findings_ = std::move(found);
}

std::vector<std::string> Sweeper::sweep() {
  std::vector<std::string> out;
  const auto note = [&](const Result<std::vector<store::Fault>>& faults) {
    if (!faults) return out.push_back("the keystore could not be swept: " + faults.error().text());
    for (const auto& fault : *faults) {
      out.push_back("the keystore is damaged: " + fault.table + " " + fault.key + " is " + fault.what +
                    "; restore this server from a backup");
    }
  };
  note(keystore_.verify());
  note(keystore_.verify_log());
  return out;
}

}  // namespace tapewarden::apps

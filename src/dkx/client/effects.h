// What is to be done once the client's lock has been let go: calls to transports, builders, completions and
// observers. Collected under the lock, run in order without it. A value; one thread at a time.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace tapewarden::dkx {

class Effects {
 public:
  void add(std::function<void()> effect) { effects_.push_back(std::move(effect)); }
  void run() {
    for (const auto& effect : effects_) effect();
    effects_.clear();
  }

 private:
  std::vector<std::function<void()>> effects_;
};

}  // namespace tapewarden::dkx

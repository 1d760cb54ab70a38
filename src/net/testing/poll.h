// Waiting in tests for something that another thread does, with a bound.
#pragma once

#include <chrono>
#include <thread>

namespace tapewarden::net::testing {

inline constexpr std::chrono::milliseconds kPatience{10'000};

// True as soon as `condition` holds; false when it does not within kPatience.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

}  // namespace tapewarden::net::testing

// Keeps so many pieces of work under way at once. start() from one thread; done() from any.
#pragma once

#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>

#include "base/error.h"

namespace tapewarden::bench {

class Flight {
 public:
  explicit Flight(unsigned in_flight)
      : in_flight_(in_flight), free_(static_cast<std::ptrdiff_t>(in_flight)) {}

  // Waits for a place.
  void start() { free_.acquire(); }
  void done(const Status& status) {
    if (!status) {
      const std::lock_guard hold(mutex_);
      if (!failure_) failure_ = status.error();
    }
    free_.release();
  }
  // Waits for all; throws the first failure.
  void land() {
    for (unsigned i = 0; i < in_flight_; ++i) free_.acquire();
    for (unsigned i = 0; i < in_flight_; ++i) free_.release();
    const std::lock_guard hold(mutex_);
    if (failure_) throw std::runtime_error(failure_->text());
  }

 private:
  const unsigned in_flight_;
  std::counting_semaphore<> free_;
  std::mutex mutex_;
  std::optional<Error> failure_;
};

}  // namespace tapewarden::bench

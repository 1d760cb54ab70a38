// The background sweep of the keystore (K16): every row, the sums and the audit record are checked again and
// again, so that damage to what nobody reads is found while the other server still has it. One thread of its
// own.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "apps/ticker.h"
#include "base/env.h"
#include "base/thread_annotations.h"
#include "store/keystore.h"

namespace tapewarden::apps {

class Sweeper {
 public:
  // The first sweep begins `first` after the start, the others `interval` apart. `alarm` is told each fault,
  // from the sweeping thread. Borrows the keystore.
  Sweeper(store::Keystore& keystore, std::chrono::milliseconds first, std::chrono::milliseconds interval,
          std::function<void(const std::string&)> alarm);
  // Its end waits for a sweep under way.

  // What the last sweep found, for the status; empty when all was well. Thread-safe.
  std::vector<std::string> findings() const;

 private:
  void run();
  std::vector<std::string> sweep();

  store::Keystore& keystore_;
  const std::function<void(const std::string&)> alarm_;
  mutable Mutex mutex_;
  std::vector<std::string> findings_ TW_GUARDED_BY(mutex_);
  Ticker ticker_;  // last: its thread uses the others
};

}  // namespace tapewarden::apps

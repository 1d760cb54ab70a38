// Where hosts and the work with tape meet over logical volumes, in memory: hosts and operators ask for
// volumes to be brought back, and a copy to tape learns that a host has taken the volume meanwhile. What is
// true after a restart stands in the catalogue; this is empty then.
//
// Thread-safe. Nobody is called with the mutex held.
//
// Invariants
//  1. A volume is asked for at most once at a time; who asks again is told with the others.
//  2. Whoever asked is told once: by finish_recall(), or by cancel() that nobody will tell him.
//  3. A copy during which a host took the volume is not good any more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread_annotations.h"

namespace tapewarden::engine {

// Why a volume is to be brought back into the cache.
enum class RecallReason : std::uint8_t { kHost, kOperator };  // hosts wait, and come first

class VolumeDesk {
 public:
  using Told = std::function<void(const Status& outcome)>;
  using AskId = std::uint64_t;
  struct Wanted {
    std::string volser;
    RecallReason reason = RecallReason::kHost;
    std::uint64_t order = 0;  // in which it was asked for
  };

  // `wake` is called, without a lock, whenever there may be something new to do. May be empty.
  explicit VolumeDesk(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Hosts and operators. `told` is called from the worker's thread.
  AskId ask(const std::string& volser, RecallReason reason, Told told) TW_EXCLUDES(mutex_);
  // `told` will not be called any more, and no call of it is under way when this returns. Not from within it.
  void cancel(AskId ask) TW_EXCLUDES(mutex_);
  // A host has the volume's file in its hands until given_back().
  void take(const std::string& volser) TW_EXCLUDES(mutex_);
  void give_back(const std::string& volser) TW_EXCLUDES(mutex_);

  // Workers. Those that nobody works on yet: hosts' first, each in the order in which they were asked for.
  std::vector<Wanted> wanted() const TW_EXCLUDES(mutex_);
  // False when nobody asks for it any more, or another worker is at it.
  bool begin_recall(const std::string& volser) TW_EXCLUDES(mutex_);
  // Tells everybody who asked for it.
  void finish_recall(const std::string& volser, const Status& outcome) TW_EXCLUDES(mutex_);
  // It could not be done now, and is wanted as before.
  void put_off_recall(const std::string& volser) TW_EXCLUDES(mutex_);

  // A copy of the volume's file begins, which ends by end_copy(). Nothing when a host has it.
  using CopyId = std::uint64_t;
  std::optional<CopyId> begin_copy(const std::string& volser) TW_EXCLUDES(mutex_);
  // No host has taken it since. What was read before this said so is what the volume held.
  bool copy_is_good(CopyId copy) const TW_EXCLUDES(mutex_);
  void end_copy(CopyId copy) TW_EXCLUDES(mutex_);

  void wake() const {
    if (wake_) wake_();
  }

 private:
  struct Ask {
    AskId id = 0;
    Told told;
  };
  struct Entry {
    RecallReason reason = RecallReason::kOperator;
    std::uint64_t order = 0;
    bool under_way = false;
    std::vector<Ask> asks;
  };

  const std::function<void()> wake_;
  mutable Mutex mutex_;
  mutable CondVar told_;
  std::uint64_t last_ TW_GUARDED_BY(mutex_) = 0;  // of asks and copies
  std::map<std::string, Entry> entries_ TW_GUARDED_BY(mutex_);
  std::set<AskId> telling_ TW_GUARDED_BY(mutex_);  // asks that are being told at this moment
  std::set<std::string> taken_ TW_GUARDED_BY(mutex_);
  struct UnderWay {
    std::string volser;
    bool good = true;
  };
  std::map<CopyId, UnderWay> copies_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine

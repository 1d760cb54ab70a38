// When the catalogue's backup is to be written onto a cartridge that takes more (feature row T12): filled
// ones get it anyhow, and a small or new site may have none for a long time. Thread-safe.
//
//   ordered              as soon as a drive is free
//   by itself            kBackupPatience after what a rebuild could not know was changed (BackedUp), and each
//                        day on which anything was written
#pragma once

#include <optional>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "engine/catalogue/constructs.h"
#include "engine/catalogue/totals.h"

namespace tapewarden::engine {

// What a backup tells and no image on a cartridge does.
struct BackedUp {
  std::vector<Pool> pools;
  std::vector<StorageGroup> groups;
  std::vector<ManagementClass> classes;
  std::int64_t closed = 0;  // cartridges that take no more by an order, or are out of the library
  friend bool operator==(const BackedUp&, const BackedUp&) = default;
};

class BackupDue {
 public:
  void order() TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ordered_ = true;
  }
  bool ordered() const TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return ordered_;
  }
  // Since when the catalogue is so that it is to be backed up; nothing: it was. `now` is looked at each time.
  std::optional<SteadyTime> since(const BackedUp& content, SteadyTime now) TW_EXCLUDES(mutex_);
  // A cartridge has it, as of that content.
  void written(BackedUp content, SteadyTime now) TW_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  bool ordered_ TW_GUARDED_BY(mutex_) = false;
  std::optional<BackedUp> content_ TW_GUARDED_BY(mutex_);  // of the last one since the start
  SteadyTime written_at_ TW_GUARDED_BY(mutex_){};
  std::optional<SteadyTime> due_since_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine

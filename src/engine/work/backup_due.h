// When the catalogue's backup is to be written onto a cartridge that takes more (feature row T12): filled
// ones get it anyhow, and a small or new site may have none for a long time. Thread-safe.
//
//   ordered              as soon as a drive is free; the order stands in the catalogue (EngineState), and so
//                        a restart does not forget it
//   by itself            kBackupPatience after what a rebuild could not know was changed (BackedUp), after
//                        a start, after the cartridge with the last one was emptied or lost, and each day
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

// Where one lies: on the cartridge as it was begun then.
struct BackupPlace {
  std::string barcode;
  std::uint64_t medium = 0;
};

class BackupDue {
 public:
  // Since when the catalogue is so that it is to be backed up; nothing: it was. `now` is looked at each time.
  std::optional<SteadyTime> since(const BackedUp& content, SteadyTime now) TW_EXCLUDES(mutex_);
  // A cartridge has it, as of that content.
  void written(BackedUp content, BackupPlace place, SteadyTime now) TW_EXCLUDES(mutex_);
  // Where the last one since the start lies.
  std::optional<BackupPlace> place() const TW_EXCLUDES(mutex_);
  // It is there no more: none was written.
  void lost() TW_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::optional<BackedUp> content_ TW_GUARDED_BY(mutex_);  // of the last one since the start
  BackupPlace place_ TW_GUARDED_BY(mutex_);
  SteadyTime written_at_ TW_GUARDED_BY(mutex_){};
  std::optional<SteadyTime> due_since_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::engine

#include "engine/work/backup_due.h"

#include "engine/work/limits.h"

namespace tapewarden::engine {

std::optional<SteadyTime> BackupDue::since(const BackedUp& content, SteadyTime now) {
  const MutexLock lock(mutex_);
  const bool told = content_ && *content_ == content && now - written_at_ < kBackupInterval;
  if (told) {
    due_since_.reset();
    return std::nullopt;
  }
  if (!due_since_) due_since_ = now;
  return due_since_;
}

std::optional<BackupPlace> BackupDue::place() const {
  const MutexLock lock(mutex_);
  return content_ ? std::optional(place_) : std::nullopt;
}

void BackupDue::lost() {
  const MutexLock lock(mutex_);
  content_.reset();
}

void BackupDue::written(BackedUp content, BackupPlace place, SteadyTime now) {
  const MutexLock lock(mutex_);
  content_ = std::move(content);
  place_ = std::move(place);
  written_at_ = now;
  due_since_.reset();
}

}  // namespace tapewarden::engine

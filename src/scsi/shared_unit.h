// A logical unit that several threads use, where its own device server is made for one: commands and events
// run one after another, and who comes meanwhile waits. A transport with a queue of its own (iscsi/) needs
// none of this.
//
// Thread-safe. The unit outlives it, and is used through it alone. Lock order: this mutex is before every one
// that the unit takes.
#pragma once

#include "base/thread_annotations.h"
#include "scsi/logical_unit.h"

namespace tapewarden::scsi {

class SharedUnit final : public LogicalUnit {
 public:
  explicit SharedUnit(LogicalUnit& unit) : unit_(unit) {}

  Response execute(const Command& command) override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return unit_.execute(command);
  }
  // execute_at_once() stays what it is without an override: nobody's lock is waited for.
  void look_ahead() override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    unit_.look_ahead();
  }
  void rest() override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    unit_.rest();
  }
  void nexus_named(NexusId nexus, const NexusNames& names) override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    unit_.nexus_named(nexus, names);
  }
  void nexus_lost(NexusId nexus) override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    unit_.nexus_lost(nexus);
  }
  void reset() override TW_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    unit_.reset();
  }

 private:
  Mutex mutex_;
  LogicalUnit& unit_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::scsi

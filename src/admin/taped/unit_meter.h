// Stands before a logical unit and counts what each session does there; changes nothing of it. Commands come
// one at a time, as its queue lets them, questions from any thread.
#pragma once

#include <map>
#include <memory>

#include "base/thread_annotations.h"
#include "scsi/logical_unit.h"

namespace tapewarden::admin {

struct UnitUse {
  std::uint64_t commands = 0;
  std::uint64_t refused = 0;    // ended otherwise than with GOOD
  std::uint64_t bytes_in = 0;   // from the unit to the host
  std::uint64_t bytes_out = 0;  // from the host, as far as the unit took them
};

class UnitMeter final : public scsi::LogicalUnit {
 public:
  explicit UnitMeter(std::shared_ptr<scsi::LogicalUnit> unit) : unit_(std::move(unit)) {}

  scsi::Response execute(const scsi::Command& command) override TW_EXCLUDES(mutex_);
  std::optional<scsi::Response> execute_at_once(const scsi::Command& command) override TW_EXCLUDES(mutex_);
  void look_ahead() override { unit_->look_ahead(); }
  void rest() override { unit_->rest(); }
  void nexus_named(scsi::NexusId nexus, const scsi::NexusNames& names) override {
    unit_->nexus_named(nexus, names);
  }
  void nexus_lost(scsi::NexusId nexus) override TW_EXCLUDES(mutex_);
  void reset() override { unit_->reset(); }

  // Of a session that lives; all zero for one that sent nothing here. Beyond kMaximumMeteredSessions sessions
  // none is counted anew.
  UnitUse use_of(scsi::NexusId nexus) const TW_EXCLUDES(mutex_);

 private:
  void count(const scsi::Command& command, const scsi::Response& response) TW_EXCLUDES(mutex_);

  const std::shared_ptr<scsi::LogicalUnit> unit_;
  mutable Mutex mutex_;
  std::map<scsi::NexusId, UnitUse> uses_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::admin

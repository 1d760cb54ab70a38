// The queue before one logical unit. UnitWorker is the real one: a thread that runs one job after another.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/thread_annotations.h"
#include "scsi/logical_unit.h"

namespace tapewarden::iscsi {

class UnitQueue {
 public:
  using Job = std::function<void(scsi::LogicalUnit&)>;
  virtual ~UnitQueue() = default;

  // Runs the job after those that were posted before; an urgent one before all that have not begun. From any
  // thread; never runs within this call unless the implementation says so.
  virtual void post(Job job, bool urgent) = 0;

  // Every reset and clearing of the task set begins a new epoch: commands of an earlier one are not executed
  // any more. Any thread.
  std::uint64_t epoch() const { return epoch_.load(); }
  void begin_epoch() { epoch_.fetch_add(1); }

 private:
  std::atomic<std::uint64_t> epoch_ = 0;
};

class UnitWorker final : public UnitQueue {
 public:
  explicit UnitWorker(std::shared_ptr<scsi::LogicalUnit> unit);
  ~UnitWorker() override;  // stop()

  void post(Job job, bool urgent) override;
  // Runs what is queued, ends the thread; later jobs are dropped. May be called again, by one thread at a
  // time.
  void stop();

 private:
  void run();

  const std::shared_ptr<scsi::LogicalUnit> unit_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ TW_GUARDED_BY(mutex_);
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tapewarden::iscsi

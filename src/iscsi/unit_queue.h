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
  using QuickJob = std::function<bool(scsi::LogicalUnit&)>;
  virtual ~UnitQueue() = default;

  // Runs the job after those that were posted before; an urgent one before all that have not begun. From any
  // thread; never runs within this call unless the implementation says so.
  virtual void post(Job job, bool urgent) = 0;

  // Runs the job within this call if nothing waits before it and the unit is idle. Any thread. False when it
  // did not run, or itself says that it did nothing: it may be posted then. The job must not wait.
  virtual bool run_now(const QuickJob& job) {
    static_cast<void>(job);
    return false;
  }

  // Every reset and clearing of the task set begins a new epoch: commands of an earlier one are not executed
  // any more. Any thread.
  std::uint64_t epoch() const { return epoch_.load(); }
  void begin_epoch() { epoch_.fetch_add(1); }

 private:
  std::atomic<std::uint64_t> epoch_ = 0;
};

// Invariants
//  1. The unit is touched only by the thread that made busy_ true, until it makes it false.
//  2. Jobs run in the order of the queue, on the worker's thread; run_now() only where none waits.
//  3. After a job the unit looks ahead before the worker sleeps, and rests once when it slept long.
class UnitWorker final : public UnitQueue {
 public:
  explicit UnitWorker(std::shared_ptr<scsi::LogicalUnit> unit);
  ~UnitWorker() override;  // stop()

  void post(Job job, bool urgent) override;
  bool run_now(const QuickJob& job) override;
  // Runs what is queued, ends the thread; later jobs are dropped. May be called again, by one thread at a
  // time.
  void stop();

 private:
  void run();
  // What the worker does next; waits for it. Empty: its end. `ran`: it comes from doing something.
  Job next_job(bool ran);
  Job due_job() TW_REQUIRES(mutex_);

  const std::shared_ptr<scsi::LogicalUnit> unit_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ TW_GUARDED_BY(mutex_);
  bool busy_ TW_GUARDED_BY(mutex_) = false;
  bool look_due_ TW_GUARDED_BY(mutex_) = false;
  bool rest_due_ TW_GUARDED_BY(mutex_) = false;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tapewarden::iscsi

#include "iscsi/unit_queue.h"

namespace tapewarden::iscsi {

UnitWorker::UnitWorker(std::shared_ptr<scsi::LogicalUnit> unit)
    : unit_(std::move(unit)), thread_([this]() noexcept { run(); }) {}

UnitWorker::~UnitWorker() {
  stop();
}

void UnitWorker::post(Job job, bool urgent) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    if (urgent)
      jobs_.push_front(std::move(job));
    else
      jobs_.push_back(std::move(job));
  }
  changed_.notify_one();  // unlocked, or the worker would wake up only to wait for the lock
}

void UnitWorker::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void UnitWorker::run() {
  while (true) {
    Job job;
    {
      const MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) changed_.wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job(*unit_);
  }
}

}  // namespace tapewarden::iscsi

#include "iscsi/unit_queue.h"

#include <chrono>

namespace tapewarden::iscsi {

namespace {

// A host that is at work sends its next command long before.
constexpr std::chrono::seconds kRestAfter{1};

}  // namespace

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

bool UnitWorker::run_now(const QuickJob& job) {
  {
    const MutexLock lock(mutex_);
    if (busy_ || !jobs_.empty() || stopping_) return false;
    busy_ = true;
  }
  const bool done = job(*unit_);
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    busy_ = false;
    look_due_ = look_due_ || done;
    wake = look_due_ || !jobs_.empty() || stopping_;
  }
  if (wake) changed_.notify_one();
  return done;
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
  for (bool ran = false; const auto job = next_job(ran); ran = true) job(*unit_);
}

UnitWorker::Job UnitWorker::next_job(bool ran) {
  const MutexLock lock(mutex_);
  if (ran) busy_ = false;
  while (true) {
    if (!busy_) {
      if (auto job = due_job()) {
        busy_ = true;
        return job;
      }
      if (stopping_) return {};
    }
    if (!rest_due_) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_for(mutex_, kRestAfter) && !busy_ && jobs_.empty() && !look_due_) {
      rest_due_ = false;
      busy_ = true;
      return [](scsi::LogicalUnit& unit) { unit.rest(); };
    }
  }
}

UnitWorker::Job UnitWorker::due_job() {
  if (!jobs_.empty()) {
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    look_due_ = true;
    return job;
  }
  if (!look_due_ || stopping_) return {};
  look_due_ = false;
  rest_due_ = true;
  return [](scsi::LogicalUnit& unit) { unit.look_ahead(); };
}

}  // namespace tapewarden::iscsi

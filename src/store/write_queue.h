// The queue before the writer thread and the deliveries behind it: group commit. submit() is thread-safe; the
// committer belongs to the queue's thread.
//
// Invariants
//  Q1 Every completion given to submit() is called exactly once, with success only after I1 of keystore.h.
//  Q2 After stop() works that have not started get kUnavailable.
//  Q3 While a commit waits at the gate, every later success waits there too, also of a work that changed
//     nothing: what it read may be the commit that waits. Only kUngated ones never wait.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "store/committer.h"

namespace tapewarden::store {

class WriteQueue {
 public:
  struct Limits {
    std::size_t group = 1;
    std::size_t waiting = 1;
  };
  // Where a completion runs: on the executor, or on the thread that finds the commit durable; kUngated: on
  // that thread, whatever the gate says.
  enum class Delivery : std::uint8_t { kPosted, kDirect, kUngated };

  WriteQueue(Executor& executor, Limits limits, std::unique_ptr<Committer> committer);
  ~WriteQueue() { stop(); }
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  void start();
  void stop();
  void submit(Keystore::Work work, Keystore::Completion completion, Delivery delivery) TW_EXCLUDES(mutex_);
  // See Keystore::announce().
  static Keystore::Announcement announce(const std::shared_ptr<WriteQueue>& queue);
  CommitMark head() const TW_EXCLUDES(mutex_);
  // See Keystore::health().
  Status health() const TW_EXCLUDES(mutex_);
  // Waits until no file holds the box of a secret that was taken out of its row before. kTimeout.
  Status wait_scrubbed(std::chrono::milliseconds limit) TW_EXCLUDES(mutex_);
  void set_gate(CommitGate* gate) { gate_.store(gate); }

 private:
  struct Job {
    Keystore::Work work;
    Keystore::Completion completion;
    Delivery delivery;
  };
  struct Answer {
    Keystore::Completion completion;
    Result<CommitInfo> result;
    Delivery delivery;
  };
  using Answers = std::vector<Answer>;

  void run() TW_EXCLUDES(mutex_);
  void begin_announced() TW_EXCLUDES(mutex_);
  void end_announced() TW_EXCLUDES(mutex_);
  void gather() TW_REQUIRES(mutex_);
  // Empty when the queue was stopped, or when it is time to look after the write-ahead log.
  std::vector<Job> next_group() TW_EXCLUDES(mutex_);
  void tidy() TW_EXCLUDES(mutex_);
  bool stopped() const TW_EXCLUDES(mutex_);
  void run_group(std::vector<Job> group) TW_EXCLUDES(mutex_);
  static void deliver(Executor& executor, Answers answers);

  Executor& executor_;
  const Limits limits_;
  std::unique_ptr<Committer> committer_;
  std::atomic<CommitGate*> gate_{nullptr};
  // Groups that the gate has not let pass yet.
  std::shared_ptr<std::atomic<std::size_t>> at_gate_ = std::make_shared<std::atomic<std::size_t>>(0);
  mutable Mutex mutex_;
  CondVar work_;
  std::deque<Job> waiting_ TW_GUARDED_BY(mutex_);
  CommitMark head_ TW_GUARDED_BY(mutex_);
  std::optional<Error> failed_ TW_GUARDED_BY(mutex_);
  std::size_t announced_ TW_GUARDED_BY(mutex_) = 0;
  bool gathering_ TW_GUARDED_BY(mutex_) = false;  // the writer holds back what waits
  bool scrub_due_ TW_GUARDED_BY(mutex_) = false;
  bool rest_due_ TW_GUARDED_BY(mutex_) = false;
  CondVar scrubbed_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tapewarden::store

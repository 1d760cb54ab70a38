#include "store/write_queue.h"

#include <algorithm>
#include <iterator>

namespace tapewarden::store {

namespace {
// Completions that one executor task runs: few tasks for a large group, and still work for several threads.
constexpr std::size_t kAnswersInTask = 2;
}  // namespace

WriteQueue::WriteQueue(Executor& executor, Limits limits, std::unique_ptr<Committer> committer)
    : executor_(executor), limits_(limits), committer_(std::move(committer)) {
  const MutexLock lock(mutex_);
  head_ = committer_->state().mark;
  scrub_due_ = committer_->scrub_due();
}

void WriteQueue::start() {
  thread_ = std::thread([this] { run(); });
}

void WriteQueue::stop() {
  std::deque<Job> dropped;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
  Answers answers;
  for (Job& job : dropped) {
    answers.push_back(
        {std::move(job.completion), fail(ErrorCode::kUnavailable, "the keystore is closing"), job.delivery});
  }
  deliver(executor_, std::move(answers));
}

void WriteQueue::submit(Keystore::Work work, Keystore::Completion completion, Delivery delivery) {
  std::string refused;
  {
    const MutexLock lock(mutex_);
    if (stopping_) {
      refused = "the keystore is closing";
    } else if (waiting_.size() >= limits_.waiting) {
      refused = "too many changes are waiting for the keystore";
    } else {
      waiting_.push_back({std::move(work), std::move(completion), delivery});
      // Whoever gathers is woken by the last that was announced, or by a full group.
      if (!gathering_ || waiting_.size() >= limits_.group) work_.notify_one();
      return;
    }
  }
  Answers answers;
  answers.push_back(
      {std::move(completion), fail(ErrorCode::kUnavailable, refused, {}, "try again"), delivery});
  deliver(executor_, std::move(answers));
}

Keystore::Announcement WriteQueue::announce(const std::shared_ptr<WriteQueue>& queue) {
  queue->begin_announced();
  return {queue.get(), [queue](const void*) { queue->end_announced(); }};
}

void WriteQueue::begin_announced() {
  const MutexLock lock(mutex_);
  ++announced_;
}

void WriteQueue::end_announced() {
  const MutexLock lock(mutex_);
  if (--announced_ == 0 && gathering_) work_.notify_one();
}

// Waits for what is announced, so that it comes into the same group.
void WriteQueue::gather() {
  const auto until = std::chrono::steady_clock::now() + kGatherTime;
  gathering_ = true;
  while (announced_ > 0 && waiting_.size() < limits_.group && !stopping_) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) break;
    work_.wait_for(mutex_, until - now);
  }
  gathering_ = false;
}

CommitMark WriteQueue::head() const {
  const MutexLock lock(mutex_);
  return head_;
}

Status WriteQueue::health() const {
  const MutexLock lock(mutex_);
  return failed_ ? Status(std::unexpected(*failed_)) : Status();
}

void WriteQueue::run() {
  while (true) {
    std::vector<Job> group = next_group();
    if (group.empty() && stopped()) return;
    if (!group.empty()) run_group(std::move(group));
    tidy();
  }
}

bool WriteQueue::stopped() const {
  const MutexLock lock(mutex_);
  return stopping_ && waiting_.empty();
}

void WriteQueue::tidy() {
  committer_->tidy();
  const bool due = committer_->scrub_due();
  const MutexLock lock(mutex_);
  failed_ = committer_->failed();
  scrub_due_ = due;
  rest_due_ = committer_->rest_due();
  if (!due) scrubbed_.notify_all();
}

Status WriteQueue::wait_scrubbed(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(mutex_);
  work_.notify_one();
  while (scrub_due_ && !stopping_) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) {
      return fail(ErrorCode::kTimeout, "the write-ahead log is still read and could not be emptied", {},
                  "it is emptied as soon as the readers have left");
    }
    (void)scrubbed_.wait_for(mutex_, left);
  }
  return {};
}

std::vector<WriteQueue::Job> WriteQueue::next_group() {
  const MutexLock lock(mutex_);
  const auto began = std::chrono::steady_clock::now();
  while (waiting_.empty() && !stopping_) {
    if (!scrub_due_ && !rest_due_) {
      work_.wait(mutex_);
      continue;
    }
    const auto left = began + (scrub_due_ ? kScrubAgain : kRestTime) - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    work_.wait_for(mutex_, left);
  }
  gather();
  std::vector<Job> group;
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), limits_.group));
  group.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return group;
}

void WriteQueue::run_group(std::vector<Job> group) {
  std::vector<const Keystore::Work*> works;
  works.reserve(group.size());
  for (const Job& job : group) works.push_back(&job.work);
  std::vector<Committer::Outcome> outcomes = committer_->run(works);
  const CommitMark mark = committer_->state().mark;
  {
    const MutexLock lock(mutex_);
    head_ = mark;
    failed_ = committer_->failed();
    scrub_due_ = committer_->scrub_due();  // before anybody is answered
  }
  CommitGate* gate = gate_.load();
  const bool changed = std::ranges::any_of(outcomes, &Committer::Outcome::changed);
  const bool waits = gate != nullptr && (changed || at_gate_->load() > 0);
  Answers at_once;
  Answers gated;
  for (std::size_t i = 0; i < group.size(); ++i) {
    Result<CommitInfo> result = CommitInfo{mark.sequence};
    if (!outcomes[i].result) result = std::unexpected(std::move(outcomes[i].result.error()));
    const bool may_wait = waits && result && group[i].delivery != Delivery::kUngated;
    Answers& where = may_wait ? gated : at_once;
    where.push_back({std::move(group[i].completion), std::move(result), group[i].delivery});
  }
  group.clear();
  deliver(executor_, std::move(at_once));
  if (gated.empty() && !(waits && changed)) return;
  auto held = std::make_shared<Answers>(std::move(gated));
  ++*at_gate_;
  gate->committed(mark.sequence, [&executor = executor_, held, waiting = at_gate_] {
    --*waiting;  // first, so that whoever was answered is not held up again
    deliver(executor, std::exchange(*held, {}));
  });
}

void WriteQueue::deliver(Executor& executor, Answers answers) {
  Answers posted;
  for (Answer& answer : answers) {
    if (!answer.completion) continue;
    if (answer.delivery != Delivery::kPosted) {
      answer.completion(std::move(answer.result));
    } else {
      posted.push_back(std::move(answer));
    }
  }
  for (std::size_t start = 0; start < posted.size(); start += kAnswersInTask) {
    const auto first = posted.begin() + static_cast<std::ptrdiff_t>(start);
    const auto last =
        posted.begin() + static_cast<std::ptrdiff_t>(std::min(start + kAnswersInTask, posted.size()));
    auto part = std::make_shared<Answers>(std::make_move_iterator(first), std::make_move_iterator(last));
    executor.post([part] {
      for (Answer& answer : *part) answer.completion(std::move(answer.result));
    });
  }
}

}  // namespace tapewarden::store

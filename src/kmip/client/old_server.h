// One old key server, asked for what clients of one owner look for and is not here (K20). A slow or dead one
// costs those clients alone, and them no more than its patience.
//
// Invariants
//  S1 Each question is answered once, `patience` after it came at the latest, and a connection's time to end.
//  S2 After a question that the old server did not answer none goes there for `rest`: they fail at once.
//  S3 One question for the same thing is under way at a time; who asks for it meanwhile gets its answer. What
//     the old server had not is not asked for again for `memory`.
//  S4 At most `most_waiting` questions wait; at most as many go there as `workers` has threads.
// Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "kmip/client/adoption.h"
#include "kmip/read_through.h"

namespace tapewarden::kmip {

// A connection: one request, and its answer within the time.
using TimedExchange = std::function<Result<Bytes>(Bytes request, std::chrono::milliseconds limit)>;
using Dial = std::function<Result<TimedExchange>(std::chrono::milliseconds limit)>;

struct OldServerOptions {
  MigrationOrder order{};  // its name and what is shown there
  std::string owner{};
  std::chrono::milliseconds patience{10'000};
  std::chrono::milliseconds rest{10'000};
  std::chrono::milliseconds memory{10'000};
  std::size_t most_waiting = 64;
  // Told of each object that came or did not, on a worker; may be empty.
  std::function<void(const MigratedObject&)> tell{};
};

class OldServer {
 public:
  // Borrows the clock and `workers`, whose threads may wait and are used by nobody else. close() first, then
  // end the workers, then this.
  OldServer(Clock& clock, Executor& workers, Dial dial, OldServerOptions options);

  const std::string& owner() const { return options_.owner; }
  const std::string& source() const { return options_.order.source; }
  // As ReadThrough::bring().
  void bring(SoughtObject sought, Exchange here, ReadThrough::Done done) TW_EXCLUDES(mutex_);
  // What waits, and what comes from now on, fails at once; the workers get nothing more.
  void close() TW_EXCLUDES(mutex_);
  OldServerState state() const TW_EXCLUDES(mutex_);

 private:
  struct Question {
    std::string key;
    SoughtObject sought;
    Exchange here;
    SteadyTime until;
  };
  using Waiting = std::vector<ReadThrough::Done>;
  using Answer = std::optional<Error>;  // what ReadThrough::Done is told

  std::optional<Answer> accept(SoughtObject sought, Exchange here, ReadThrough::Done& done)
      TW_EXCLUDES(mutex_);
  std::optional<Answer> answer_at_once(const std::string& key) TW_REQUIRES(mutex_);
  std::optional<Error> why_not_now() const TW_REQUIRES(mutex_);
  Error not_asked(std::string_view why) const;
  void work(const Question& question) TW_EXCLUDES(mutex_);
  Answer ask(const Question& question) TW_EXCLUDES(mutex_);
  Result<Adoption> reach(const Question& question, bool& failed_here) TW_EXCLUDES(mutex_);
  Result<ServerEnd> meet_again(const Exchange& from) TW_EXCLUDES(mutex_);
  void note_failure(const Error& error) TW_EXCLUDES(mutex_);
  void note_answer(const std::string& key, const Adoption& adoption) TW_EXCLUDES(mutex_);
  void remember_absence(const std::string& key) TW_REQUIRES(mutex_);

  Clock& clock_;
  Executor& workers_;
  const Dial dial_;
  const OldServerOptions options_;
  mutable Mutex mutex_;
  OldServerState state_ TW_GUARDED_BY(mutex_);
  bool closed_ TW_GUARDED_BY(mutex_) = false;
  SteadyTime rest_until_ TW_GUARDED_BY(mutex_){};
  std::optional<ProtocolVersion> version_ TW_GUARDED_BY(mutex_);  // that it spoke last
  std::map<std::string, Waiting> asked_ TW_GUARDED_BY(mutex_);    // by key
  std::map<std::string, SteadyTime> absent_ TW_GUARDED_BY(mutex_);
};

// One for each owner.
class OldServers final : public ReadThrough {
 public:
  // REQUIRES: no two of one owner; all before the first question.
  void add(std::unique_ptr<OldServer> server) { servers_.push_back(std::move(server)); }
  void close();
  std::vector<OldServerState> states() const;

  std::string source_of(std::string_view owner) const override;
  void bring(std::string_view owner, SoughtObject sought, Exchange here, Done done) override;

 private:
  OldServer* find(std::string_view owner) const;
  std::vector<std::unique_ptr<OldServer>> servers_;
};

}  // namespace tapewarden::kmip

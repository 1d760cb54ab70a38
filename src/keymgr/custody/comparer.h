// Compares this server's tables with the peer's: every so many hours and when an operator asks, remembers the
// last result, and ends a rewrite (K19). Beside the Replicator, on a thread of its own.
//
// Invariants
//  C1 One comparison at a time; it reads only, in short stretches with pauses, so serving goes on.
//  C2 The last report is durable here and told to the peer, so that both show it and only one of them
//     compares in each period. The peer's report says what the peer found and no more: it takes no finding of
//     this server's away, and puts its own next comparison off by one period at most.
#pragma once

#include <optional>
#include <thread>

#include "base/thread_annotations.h"
#include "keymgr/custody/comparison.h"
#include "keymgr/custody/replicator.h"
#include "keymgr/custody/rewrite.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

struct ComparerOptions {
  Uuid self;
  Uuid peer;
  std::string peer_name;
  RewrittenBesides besides{};
  // Called after a rewrite, from the comparer's thread. May be empty.
  std::function<void()> on_rewritten{};
  std::chrono::milliseconds look{1000};         // how often it looks whether something is to be done
  std::chrono::milliseconds first{900'000};     // after the start, when the two were never compared
  std::chrono::milliseconds again{250};         // between looks at rows whose change is on its way
  std::chrono::milliseconds stretch_pause{20};  // at most, after each stretch of rows
};

struct ComparerState {
  bool running = false;
  std::optional<ComparisonReport> last{};
  std::string last_error{};  // of a rewrite that waits
};

// Thread-safe after start().
class Comparer {
 public:
  // Borrows all. `link` is one of its own: a comparison must not hold back what is replicated.
  Comparer(Env env, KeyManager& manager, Replicator& replicator, PeerLink& link, ComparerOptions options);
  ~Comparer();

  static std::vector<const store::TableSpec*> tables();

  Status start();
  void stop();

  // Begins a comparison and waits up to `limit` for its end: nothing when it takes longer. kConflict when one
  // runs already, kUnavailable while the two are not in step.
  Result<std::optional<ComparisonReport>> compare(const Actor& actor, std::chrono::milliseconds limit);
  ComparerState state() const;

  // The receiving half: bodies of POST /v1/peer/compare and /v1/peer/compared, from a TLS peer that the
  // caller has identified. The completion comes from any thread.
  Result<Bytes> handle_question(ByteView body);
  void handle_report(ByteView body, std::function<void(Result<Bytes>)> completion);

 private:
  void run();
  bool due();
  bool contradicted() const TW_REQUIRES(mutex_);
  std::optional<ComparisonReport> last() const TW_REQUIRES(mutex_);
  void compare_now(const std::string& actor);
  void end_rewrite();
  Result<CompareAnswer> ask(const CompareQuestion& question);
  bool go_on(bool again);
  ComparisonParties parties();
  Status keep(const ComparisonReport& report, const std::string& actor);
  void pause(std::chrono::milliseconds time);

  Env env_;
  KeyManager& manager_;
  store::Keystore& keystore_;
  Replicator& replicator_;
  PeerLink& link_;
  const ComparerOptions options_;
  SteadyTime started_{};
  SteadyTime stretch_began_{};  // comparer's thread
  std::thread thread_;

  mutable Mutex mutex_;
  CondVar wake_;
  CondVar ended_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  bool running_ TW_GUARDED_BY(mutex_) = false;
  std::string asked_by_ TW_GUARDED_BY(mutex_);  // empty: nobody asks
  std::uint64_t finished_ TW_GUARDED_BY(mutex_) = 0;
  std::optional<ComparisonReport> own_ TW_GUARDED_BY(mutex_);     // the last one by this server
  std::optional<ComparisonReport> theirs_ TW_GUARDED_BY(mutex_);  // the last one that the peer told
  std::string rewrite_error_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr

// Keeps the two key servers of a site alike: copies each of this server's commits to the peer as one unit and
// applies the peer's, and holds this server's acknowledgements until the peer has the commit too (K19).
//
// Invariants
//  R1 While the peer is in step, pass() of a commit runs only after the peer said that the commit is
//     durable there. So what was acknowledged survives the loss of either server.
//  R2 When the peer falls out of step (no answer within the deadline, refused), every waiting commit passes
//     at once and later ones pass without waiting, until a session has caught up again. Which keys may then
//     still be given out for writing is decided by acknowledged_commit(), which never runs ahead of what
//     the peer holds.
//  R3 The receiver acknowledges only what is durable at its side, whatever its own gate says: the two gates
//     never wait for each other.
//  R4 A peer that remembers a later head of ours than we have means that this server was rolled back: it
//     reports a rollback and stops giving out keys (rolled_back()).
//
//  R6 A row that the peer refuses is never counted as held: the sender notes it durably before the receiver
//     counts the message that brought it.
//  R5 Commits that changed nothing for the peer are not sent: two servers that only note each other's
//     progress would otherwise keep each other busy for ever.
//
//  R7 While this server is rewritten it sends nothing of its own: what it has is not the site's word yet. The
//     state is durable; finish_rewrite() ends it.
//
//  R8 A peer that shows itself to be an older copy of itself, restored or put back, counts as holding
//     nothing, durably, until it is accepted or shows what it had: it may lack whatever it acknowledged.
//
//   idle ──run_once()/open_session──▶ in session ──catch_up──▶ in step ──failed()──▶ idle
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/certificate.h"
#include "keymgr/actor.h"
#include "keymgr/custody/comparison_message.h"
#include "keymgr/custody/replication_ends.h"
#include "keymgr/peer_view.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// The way to the peer. Thread-safe.
class PeerLink {
 public:
  virtual ~PeerLink() = default;
  // POSTs to the peer's /v1/peer/PATH and gives the answer's body. Blocks up to its own deadline.
  virtual Result<Bytes> post(std::string_view path, ByteView body) = 0;
};

struct ReplicatorOptions {
  PairParties parties;
  std::string peer_name;
  // Called after rows of the peer were applied, from any thread; must not block. May be empty.
  std::function<void()> on_applied{};
  // Called within the transaction by which an operator accepts a restored peer. May be empty.
  std::function<Status(store::Transaction&)> on_accepted{};
  std::chrono::milliseconds keepalive{1000};
  std::chrono::milliseconds retry{200};
};

// What operators and the pages are shown.
struct PeerState {
  std::string name;
  bool in_step = false;
  std::uint64_t acknowledged = 0;  // our commits up to here are durable at the peer
  std::uint64_t applied = 0;       // the peer's commits up to here are durable here
  std::uint64_t lag_commits = 0;   // ours that the peer lacks
  WallTime last_success{};         // epoch when never
  std::string last_error;          // empty while in step
  std::uint64_t conflicts = 0;     // rows of the peer that lost against ours since start
  std::uint64_t refused = 0;       // rows of ours that the peer does not take, since start
  std::string last_refusal;        // empty: none
  bool rolled_back = false;
  CopyAgain copying_again = CopyAgain::kNo;  // everything is taken from the peer once more
  std::uint64_t resending = 0;               // commits of ours that are still to be sent once more
  // The peer came back from an older copy in a new epoch: an operator must accept it.
  bool wants_acceptance = false;
  // The peer shows an older copy of itself, restored or put back: it counts as holding nothing (R8).
  bool older_copy = false;
};

// Thread-safe after start().
class Replicator final : public store::CommitGate, public PeerView {
 public:
  // Borrows env, keystore and link. REQUIRES: tables() are among the keystore's tables.
  Replicator(Env env, store::Keystore& keystore, ReplicatorOptions options, PeerLink& link);
  ~Replicator() override;

  static std::vector<const store::TableSpec*> tables();

  // Reads the remembered progress and starts the sending thread.
  Status start();
  void stop();

  // CommitGate
  void committed(std::uint64_t sequence, std::function<void()> pass) override;
  // PeerView
  bool configured() const override { return true; }
  bool connected() const override;
  std::uint64_t acknowledged_commit() const override;
  bool rolled_back() const override;

  PeerState state() const;

  // An operator's word that the peer was restored: what it shows of itself is taken as it is from now on.
  // kConflict when it shows nothing that waits for it. Not from the executor's threads.
  Result<Incarnation> accept_restored(const Actor& actor);

  // An operator's word that everything is copied once more (`server sync`). kMerge: this server takes in all
  // that the peer has, of every server, by the merging rules, and sends it once more all of its own rows.
  // kRewrite: what the peer has stands here; `consent` is used within the transaction. Goes on by itself,
  // also after a restart. kConflict while the first copy, or another one, is under way. Returns when nothing
  // that was being sent before is under way any more (W3 of rewrite.h). Not from the executor's threads.
  Status sync(const Actor& actor, CopyAgain how, const std::function<Status(store::Transaction&)>& consent);
  // The copy of a rewrite is complete: rows that the peer lacks are to be dealt with.
  bool rewrite_waits() const;
  // They are: this server sends again. `work` runs in the same transaction. kConflict when no complete copy
  // of a rewrite is there any more, or the peer shows an older copy of itself.
  Status finish_rewrite(const std::function<Status(store::Transaction&)>& work);
  // What a comparison needs to know.
  struct Marks {
    bool in_step = false;
    std::uint64_t acknowledged = 0;  // 0 while one of the two has not had everything
  };
  Marks marks() const;

  // For a comparison: what this server shows of itself, and its notes of the peer, read before the peer is
  // asked. kConflict while either server shows an older copy of itself: nothing is compared then.
  struct Meeting {
    Incarnation incarnation;
    PeerProgress seen;
  };
  Result<Meeting> meeting() const;
  // What the peer showed in its answer. kConflict: an older copy of itself (R8).
  Status check_answering(const Meeting& before, const Incarnation& peer, const store::CommitMark& head);
  // What the peer showed in a question, and what it had seen of this server. kConflict as of meeting(), and
  // where it has not accepted this server; kCorrupt: this server is found to hold an older copy of itself.
  Status check_asking(const CompareQuestion& question);

  // The receiving half: bodies of POST /v1/peer/hello and /v1/peer/changes, from a TLS peer that the caller
  // has identified as `peer_name`. The answers' bodies come by completion, from any thread.
  Result<Bytes> handle_hello(ByteView body);
  void handle_changes(Bytes body, std::function<void(Result<Bytes>)> completion);

 private:
  void run();
  Status send_round();
  Status open_session();
  Status note_refused(const std::vector<RefusedRow>& refused);
  void note_older_copy(const Error& why);
  bool contact_is_due() const;
  void acknowledged(std::uint64_t through, bool by_peer);
  void failed(const Error& error);
  void remember_progress();
  void end_resend();

  Env env_;
  store::Keystore& keystore_;
  ReplicatorOptions options_;
  PeerLink& link_;

  ChangeSender sender_;  // sending thread only
  const ChangeReceiver receiver_;
  std::thread thread_;

  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::uint64_t rounds_ TW_GUARDED_BY(mutex_) = 0;  // of sending, begun and ended: odd while one runs
  bool in_step_ TW_GUARDED_BY(mutex_) = false;
  std::uint64_t newest_commit_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t acknowledged_ TW_GUARDED_BY(mutex_) = 0;
  std::uint64_t remembered_ TW_GUARDED_BY(mutex_) = 0;
  bool copying_ TW_GUARDED_BY(mutex_) = false;     // the peer has not had everything yet
  bool older_copy_ TW_GUARDED_BY(mutex_) = false;  // the peer shows one of itself
  bool seen_checked_ TW_GUARDED_BY(mutex_) =
      false;  // what the peer last saw of this server is in its history
  std::multimap<std::uint64_t, std::function<void()>> waiting_ TW_GUARDED_BY(mutex_);
  std::shared_ptr<ChangeReceiver::Session> incoming_ TW_GUARDED_BY(mutex_);
  CopyAgain again_ TW_GUARDED_BY(mutex_) = CopyAgain::kNo;
  bool copy_complete_ TW_GUARDED_BY(mutex_) = false;  // of the peer's rows, here
  std::uint64_t resend_through_ TW_GUARDED_BY(mutex_) = 0;
  bool reopen_ TW_GUARDED_BY(mutex_) = false;                 // the sender shall begin a new session
  std::optional<Incarnation> refused_ TW_GUARDED_BY(mutex_);  // what the peer's last hello showed
  SteadyTime last_contact_ TW_GUARDED_BY(mutex_){};
  SteadyTime last_remembered_ TW_GUARDED_BY(mutex_){};
  PeerState state_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr

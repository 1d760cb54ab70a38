// The two ends of replication without threads or clock: what is sent next, and what a message does. The
// Replicator drives them; tests drive them step by step (docs/formats/replication.md).
//
//   ChangeSender    hello() -> welcomed() -> { next() -> answered() }*
//   ChangeReceiver  hello(), then for each message open() and, within a write, apply()
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/env.h"
#include "keymgr/actor.h"
#include "keymgr/custody/peer_progress.h"
#include "keymgr/custody/replication_message.h"
#include "keymgr/peer_changes.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// Two servers and their keys. `take_in` is called within the transaction that applied rows of the peer,
// `refused` within one of its own before the peer may count a message with refused rows as held; `held` is
// told the keys of this server that the peer took. All may be empty. `incarnation` tells this server's own,
// and is {} for keystores without a server table. Without `now` whatever holds until a day holds for ever.
struct PairParties {
  Uuid self;
  Uuid peer;
  crypto::PrivateKey signing_key;       // P-256
  crypto::PrivateKey exchange_key;      // RSA
  crypto::PublicKey peer_signing_key;   // P-256
  crypto::PublicKey peer_exchange_key;  // RSA
  std::function<Status(store::Transaction&, const store::ApplyReport&)> take_in{};
  std::function<Status(store::Transaction&, std::span<const RefusedRow>)> refused{};
  std::function<Status(std::span<const HeldKey>)> held{};
  std::function<WallTime()> now{};
  std::function<Result<Incarnation>(store::Reader&)> incarnation{};
  // Tables in which the peer's word stands while this server is rewritten (rewrite.h).
  std::vector<std::string_view> rewritten{};
  // Raises the peer's epoch beyond the one given (raise_epoch_above()).
  std::function<Status(store::Transaction&, const Actor&, std::int64_t)> raise_peer{};
};

// This server's notes of the peer, put right when this server was restored since they were made.
Result<PeerProgress> read_progress(store::Reader& reader, const PairParties& parties);

// An operator accepted the peer that was restored and shows `offered`. When an earlier copy of it was seen in
// that epoch or a later one, its epoch is raised beyond that, so that no two of its copies act in one epoch.
Status accept_restored(store::Transaction& transaction, const PairParties& parties, const Actor& actor,
                       const Incarnation& offered);

// Whether the history of this keystore holds a head that it once showed: also when it has grown beyond it
// since, an old copy has another commit in that place. Reads the log.
Result<bool> holds_commit(store::Keystore& keystore, const store::CommitMark& seen);

// What is said of a peer that shows itself to be an older copy: restored and not accepted, or rolled back.
Error older_copy(Standing standing);

// Belongs to one thread. Borrows everything.
class ChangeSender {
 public:
  ChangeSender(Env env, store::Keystore& keystore, const PairParties& parties)
      : env_(env), keystore_(keystore), parties_(parties) {}

  // Begins a session: the body of POST hello.
  Result<Bytes> hello();
  // The answer to it. kCorrupt: this server was rolled back (see rolled_back()). kConflict: the peer is an
  // older copy of itself, and must be accepted or restored first.
  Status welcomed(ByteView answer);
  bool rolled_back() const { return rolled_back_; }
  // How the peer stood at the last welcomed().
  Standing peer_standing() const { return peer_standing_; }
  // The peer has not had everything yet: what it holds is no whole. Not while it only takes everything once
  // more.
  bool copying() const { return everything_until_ > 0 && held_through_ == 0; }
  // Our commits up to here were at the peer when the session began.
  std::uint64_t held_through() const { return held_through_; }

  struct Message {
    Bytes body;
    bool empty = false;         // a keep-alive; need not be sent
    bool last = true;           // of its commits; else the rest follows, and `through` comes with the last
    std::uint64_t through = 0;  // our commits that the peer has after the last
    std::size_t rows = 0;
  };
  // REQUIRES: welcomed().
  Result<Message> next();
  // The peer's answer to `message`; position() moves on. Not when it refused rows: then take_refused() gives
  // them, and once they are durably noted next() gives the same message again, saying so.
  Status answered(const Message& message, ByteView answer);
  std::vector<RefusedRow> take_refused() { return std::exchange(refused_, {}); }
  // The keys of messages that were answered since, without those that the peer refused.
  std::vector<HeldKey> take_held() { return std::exchange(held_, {}); }
  // `message` was empty and was not sent: nothing up to there concerns the peer.
  void skipped(const Message& message) { position_ = std::max(position_, message.through); }

  bool in_session() const { return session_ != nullptr; }
  // Our commits up to here need not be sent any more.
  std::uint64_t position() const { return position_; }
  void close() {
    session_.reset();
    batch_.reset();
  }

 private:
  // What was taken out of the keystore in one snapshot and is sent in one or more messages.
  struct Batch {
    ReplicationChanges changes;
    std::size_t sent = 0;
    bool noted = false;  // which of the rows from `sent` on the peer refuses
  };
  Result<Batch> take_batch();
  void note_held(const Message& message, const std::vector<RefusedPlace>& refused);

  Env env_;
  store::Keystore& keystore_;
  const PairParties& parties_;
  std::unique_ptr<ReplicationSession> opening_;
  std::unique_ptr<ReplicationSession> session_;
  std::optional<Batch> batch_;
  std::vector<RefusedRow> refused_;
  std::vector<HeldKey> held_;
  std::uint64_t position_ = 0;
  std::uint64_t peer_applied_ = 0;  // what the peer noted
  std::uint64_t held_through_ = 0;
  // While position_ is below it, rows of every origin are sent. 0: the peer has had everything.
  std::uint64_t everything_until_ = 0;
  bool rolled_back_ = false;
  Standing peer_standing_ = Standing::kContinues;
};

// hello() and open() may be called from any thread, one at a time; apply() from the writer thread.
class ChangeReceiver {
 public:
  ChangeReceiver(store::Keystore& keystore, const PairParties& parties)
      : keystore_(keystore), parties_(parties) {}

  struct Session {
    Session(const Uuid& id, const crypto::SecretBytes& key) : session(id, key) {}
    ReplicationSession session;
    std::string told;  // the refusals that were recorded last; writer thread
  };
  struct Greeting {
    Bytes answer;
    std::shared_ptr<Session> session;  // nullptr: the sender was rolled back and is told so
    std::optional<Incarnation> restored;
  };
  // Body of POST hello. kPermissionDenied, kUnauthenticated for others than the peer; kConflict for a peer
  // that was restored and not accepted, with `refused` set.
  Result<Greeting> hello(ByteView body, std::optional<Incarnation>& refused) const;

  // Checks a message of the session. kUnauthenticated, kConflict, kCorrupt.
  Result<ReplicationChanges> open(ByteView body, const Session& session) const;
  struct Applied {
    std::uint64_t through = 0;  // for the welcome
    std::size_t conflicts = 0;
    bool copy_complete = false;           // with this message the full copy came to its end
    std::vector<RefusedPlace> refused{};  // for the welcome
  };
  Result<Applied> apply(store::Transaction& transaction, const ReplicationChanges& changes,
                        Session& session) const;

 private:
  store::Keystore& keystore_;
  const PairParties& parties_;
};

}  // namespace tapewarden::keymgr

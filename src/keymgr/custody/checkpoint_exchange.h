// Each server of a pair keeps checkpoints of the other's audit record (K13): who changes or shortens an audit
// record on one machine, with every key that lies there, cannot change what the other machine holds.
//
// Invariants
//  X1 What is held of the peer never goes back: a checkpoint of an earlier line than the newest one held,
//     or of the same line with another chain, is refused, recorded and told to the operator until the next
//     start.
//  X2 One row a day, by this server's clock, of the newest checkpoint received on it: rows of earlier days
//     are never written again, whatever the peer says and whichever way the clock steps; a year is 365 rows.
//  X3 The rows are this server's own and are never replicated: the peer could otherwise write over them.
//  X4 What was held of a copy of the peer that was lost is kept, but holds nothing against the copy that was
//     restored and accepted: with that one a new line begins.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint_note.h"
#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/keys.h"
#include "keymgr/custody/replicator.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kHeldCheckpointsGiven = 1000;  // newest ones, in one answer

// Thread-safe.
class CheckpointExchange {
 public:
  // Borrows all three. REQUIRES: tables() are among the keystore's tables.
  CheckpointExchange(Env env, store::Keystore& keystore, std::string peer_name, const Uuid& peer,
                     crypto::PublicKey peer_signing_key, PeerLink& link);

  static std::vector<const store::TableSpec*> tables();

  // Sends a checkpoint of this server to the peer. Blocks up to the link's deadline. kConflict when the peer
  // holds one that contradicts it.
  Status send(const audit::CheckpointNote& note);
  // What the peer holds of this server, oldest first. Blocks up to the link's deadline.
  Result<std::vector<audit::CheckpointNote>> held_by_peer();
  // What this server holds of the peer, oldest first; the newest kHeldCheckpointsGiven.
  Result<std::vector<audit::CheckpointNote>> held() const;
  // Empty, or what the operator must be told of the peer's record.
  std::string alarm() const;

  // Within the transaction that accepts a restored peer: its record begins a new line. Writer thread.
  Status begin_new_line(store::Transaction& transaction);

  // The receiving half: the bodies of POST /v1/peer/checkpoint and /v1/peer/checkpoints, from a TLS peer that
  // the caller has identified. The answer comes by completion, from any thread.
  void take(ByteView body, std::function<void(Result<Bytes>)> completion);
  Result<Bytes> give() const;

 private:
  struct Verdict;
  Status judge(store::Transaction& transaction, const audit::CheckpointNote& note, Verdict& verdict) const;

  Env env_;
  store::Keystore& keystore_;
  const std::string peer_name_;
  const Uuid peer_;
  const crypto::PublicKey peer_signing_key_;
  PeerLink& link_;
  mutable Mutex mutex_;
  std::string alarm_ TW_GUARDED_BY(mutex_);
};

}  // namespace tapewarden::keymgr

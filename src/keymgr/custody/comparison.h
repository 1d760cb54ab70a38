// The full comparison of two key servers' tables (K19): digests of stretches of rows are compared, and only
// where they differ the rows themselves are listed. Without threads or clock: the Comparer runs it.
//
// Invariants
//  M1 A row counts as different only when both servers have had what made it so: the version here was written
//     by a commit that the peer had acknowledged before it looked, and the version there by one that the peer
//     knew to be acknowledged by this server before this one looked. So a change under way is never reported.
//  M2 Memory and messages are bounded: a stretch holds at most kRowsInOneStretch rows at either server, and
//     an answer that does not fit its question ends the comparison, so that each stretch gets on.
//  M3 Nothing is changed, and no snapshot outlives a stretch: both servers go on serving.
//  M4 A row that was not judged is counted, and where one of the two servers has not had everything of the
//     other nothing is: that is an error. So "equal" means that every row was looked at and judged.
#pragma once

#include <functional>
#include <map>

#include "keymgr/custody/comparison_message.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// The peer's answer to a question; may block. An error where the peer is not the one that it was.
using AskPeer = std::function<Result<CompareAnswer>(const CompareQuestion&)>;

// What a comparison needs of the server that it runs in. All are called on its thread.
struct ComparisonParties {
  Uuid self;
  Uuid peer;
  AskPeer ask;
  // The peer holds every commit of this server up to here; 0: it has not had everything.
  std::function<std::uint64_t()> acknowledged;
  // Called between stretches and before rows are looked at again; false: end now.
  std::function<bool(bool again)> go_on;
};

// The answer to a question of the peer's: the caller has looked who asks, and read `acknowledged` before.
Result<CompareAnswer> answer_question(store::Keystore& keystore, const CompareQuestion& question,
                                      std::uint64_t acknowledged);

// Compares every replicated table. Errors that stop it stand in the report; its times are the caller's.
ComparisonReport compare_tables(store::Keystore& keystore, const ComparisonParties& parties,
                                const Hash256& salt);

}  // namespace tapewarden::keymgr

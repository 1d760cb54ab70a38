// `server sync --mode rewrite`: this server takes what the other one has for all that both hold (K19).
//
// Invariants
//  W1 What a merging rule joins stays joined: destroyed and compromised states, uses of keys, epochs,
//     positions never go back. So no use-once key is given out anew (docs/formats/replication.md).
//  W2 No key is lost: a data key, a KEK or an object with a secret that this server alone has stays, with its
//     group or labels, and is told as a conflict. Ledger, tombstones, holds, requests for consent and
//     conflicts only grow.
//  W3 Until it is done this server sends nothing of its own (R7 of replicator.h); each step is durable, and
//     what a crash cuts off is done again.
//  W4 What is erased here the server lacks that was copied from. Where the peer shows an older copy of itself
//     nothing is erased: what it lacks it may have lost (R8 of replicator.h).
//
//   Replicator::sync(kRewrite) --full copy, the peer's word stands--> rewrite_waits() --finish_rewrite()-->
//   done
#pragma once

#include <string_view>
#include <vector>

#include "keymgr/custody/comparison.h"
#include "keymgr/custody/replicator.h"
#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

// Tables of folders above this one, of which the same holds.
struct RewrittenBesides {
  std::vector<const store::TableSpec*> erased{};  // what this server alone has goes
  std::vector<const store::TableSpec*> kept{};    // it stays, as conflicts: keys are in it
};

// The tables in which the peer's word stands.
std::vector<std::string_view> rewritten_tables(const RewrittenBesides& besides = {});

struct RewriteReport {
  std::uint64_t erased = 0;  // rows that this server alone had
  std::uint64_t kept = 0;    // keys that it alone has: they stay, as conflicts
};
// What is left when the copy is complete: rows here that the peer lacks. Blocks while it asks the peer;
// an error leaves it to be done again. `parties.go_on` as of a comparison.
Result<RewriteReport> finish_rewrite(KeyManager& manager, Replicator& replicator,
                                     const ComparisonParties& parties, const RewrittenBesides& besides = {});

}  // namespace tapewarden::keymgr

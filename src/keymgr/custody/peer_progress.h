// What this server remembers of its peer across restarts: how far each has the other's commits, and which
// incarnation of it was seen last. Its own notes, never copied. Values and pure rules; the functions belong
// to the thread of their transaction.
#pragma once

#include <vector>

#include "keymgr/epoch.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// A full copy that an operator asked for, of what was copied before (`server sync`).
enum class CopyAgain : std::uint8_t {
  kNo = 0,
  kMerge = 1,    // by the merging rules
  kRewrite = 2,  // what the peer says stands (rewrite.h)
};

struct PeerProgress {
  std::uint64_t acknowledged = 0;  // our commits up to here are durable at the peer
  std::uint64_t applied = 0;       // the peer's commits up to here are known here
  store::CommitMark peer_head;     // the newest that the peer showed
  Incarnation peer;                // at that head; installation 0: none was seen
  // The full copy that begins with the first session, and again after a restore: rows of every origin.
  std::uint64_t copied = 0;            // the peer's commits up to here, in the full copy
  bool complete = false;               // it has come to its end
  std::uint32_t own_installation = 0;  // of this server when this was noted
  CopyAgain again = CopyAgain::kNo;
  std::uint64_t resend_through = 0;  // our commits up to here go to the peer once more; 0: none
  // Of a rewrite: rows that were written here by commits up to this one, and that the peer lacks, go.
  std::uint64_t rewrite_before = 0;

  // From where the peer shall send.
  std::uint64_t wanted_after() const { return complete ? applied : copied; }
  // The peer's commits up to here are durable here, also while they are copied once more; 0 during the first
  // copy.
  std::uint64_t held() const { return complete || again != CopyAgain::kNo ? applied : 0; }
};

std::vector<const store::TableSpec*> progress_tables();
Result<PeerProgress> load_progress(store::Reader& reader, const Uuid& peer);
Status save_progress(store::Transaction& transaction, const Uuid& peer, const PeerProgress& progress);

// What the peer shows of itself, against what was seen of it before.
enum class Standing : std::uint8_t {
  kContinues,   // a descendant of what was seen, or the first contact
  kRolledBack,  // an older copy that does not know that it is one
  kRestored,    // an older copy in a new epoch: an operator's word is needed
};
Standing standing_of(const PeerProgress& seen, const Incarnation& now, const store::CommitMark& head);

// After an operator accepted a restored peer. What it had before its new epoch began is counted as known.
void accept_restored(PeerProgress& progress, const Incarnation& now);
// After this server itself was restored: nothing is known to be held by the peer, and everything is wanted.
void start_over(PeerProgress& progress, std::uint32_t own_installation);
// Everything is wanted once more, by an operator's word. `head`: this server's newest commit.
void copy_again(PeerProgress& progress, CopyAgain how, std::uint64_t head);

}  // namespace tapewarden::keymgr

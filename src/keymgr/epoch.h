// Epochs of a server (K17, K19): which of its use-once keys it may still give out for writing.
//
// A use-once key is given out only by the server that owns it, only out of the keystore in which it was made,
// and only in the epoch in which it was made. None of the three ever moves to another. So raising a server's
// epoch retires, at one stroke and wherever the raise becomes known, every use-once key that this server has
// not given out yet:
//   - a restored copy begins a new epoch before it serves: it cannot know which of its keys were given out
//     after the copy was made;
//   - promotion raises the dead server's epoch from outside: it obeys as soon as it hears of it. Until then
//     it may give out its own unused keys, which is safe, because nobody else ever gives those out.
// New keys are cheap; each server makes its own.
//
//   epoch e --begin_epoch() (restore)------------------------> e+1
//           --raised by promotion elsewhere, then obey()-----> e+1
//           --begun once more by another copy, raise_epoch_above() by who accepts it, then obey()--> e+1
//
// The epoch that this server acts in is a note of its own; that of the server table is what the pair knows.
// Stateless; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "keymgr/actor.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// Counters of an epoch begin here or later, so that no number given out after a restore meets one given out
// by the copy that was lost: positions in groups, sequences of the ledger. Two copies of one server that were
// put back one after the other may begin the same epoch, and the second knows nothing of the first. So
// sequences of the ledger, which are written once, begin at a random place in the first half of the epoch;
// positions are put right by raise_epoch_above().
constexpr std::int64_t first_of_epoch(std::int64_t epoch) {
  return epoch << 40;
}
inline constexpr std::int64_t kMaximumEpoch = 4000;  // keeps the numbers above within 2^53

struct Incarnation {
  std::int64_t epoch = 0;
  std::uint64_t start = 0;         // the commit of this server that began it; 0: its first epoch
  std::uint32_t installation = 0;  // drawn anew for each copy that was put back: tells copies apart
  bool operator==(const Incarnation&) const = default;
};

// The epoch that this server acts in.
Result<Incarnation> own_incarnation(store::Reader& reader, const Uuid& self);
Result<std::int64_t> own_epoch(store::Reader& reader);

// This keystore is an older copy of its server's: begins a new epoch, with a new installation id for default
// aliases. Within the first transaction after the copy was put in place; open the KeyManager afterwards.
Status begin_epoch(store::Transaction& transaction, const ServerContext& context, const Actor& actor);

// Raises another server's epoch. kNotFound, kInvalidArgument for this server itself.
Status raise_epoch(store::Transaction& transaction, const ServerContext& context, const Actor& actor,
                   const Uuid& server);

// The same unless it is beyond `epoch` already, or the server is not known here.
Status raise_epoch_above(store::Transaction& transaction, const ServerContext& context, const Actor& actor,
                         const Uuid& server, std::int64_t epoch);

// Takes over an epoch of this server that was raised elsewhere; nothing when there is none.
Status obey_epoch(store::Transaction& transaction, const ServerContext& context);

}  // namespace tapewarden::keymgr

// What the two servers of a pair tell the audit of each other's rows (K13, K19): what the peer changed here,
// what was refused of it, and what the peer refused of ours. Records become durable with the transaction.
#pragma once

#include <limits>
#include <string>

#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// A row of this server that the peer does not take.
struct RefusedRow {
  std::string table;
  store::Row row;  // as it was sent
  std::string why;
};

// A key or KEK of this server that a message brought to the peer, and that it took.
struct HeldKey {
  std::string table;
  Bytes id;
};

// In created_commit and private_commit: the peer refused the key, so it does not count as held there until it
// takes a later message's row of it.
inline constexpr std::int64_t kNeverHeld = std::numeric_limits<std::int64_t>::max();

// Keys, groups, drives, access rules, quotas, settings, servers, people and consents each get a record that
// names the peer as the one who did it; many new keys of one message get one. Ledger entries, counts, cursors
// and jobs are records of their own server and get none. Refused rows each get one.
Status note_peer_changes(store::Transaction& transaction, const ServerContext& context,
                         const store::ApplyReport& report);

}  // namespace tapewarden::keymgr

// Where else a key must lie before it is given out for writing (K17, K19). What is gated is what a reader
// needs later: the data key with its attributes and DKi (identified-key method), the private half of each KEK
// of ours that an EEDK is made with (wrapped-key method). Reading is never gated.
//
//   keys.serve       a key is given out for writing when
//   after-backup     a finished, synced, read-back backup that counts holds it, and the peer, if there is one
//   after-replica    the peer holds it
//   at-once          it exists here
//   auto             after-backup when there is a target that counts; else as after-replica with a peer and
//                    as at-once without one
//
// peer.exhausted = serve lifts the peer's part alone. A server that was rolled back gives out nothing.
// Stateless; thread-safe.
#pragma once

#include <limits>
#include <string>

#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

enum class ServePolicy : std::uint8_t { kAtOnce = 1, kAfterReplica = 2, kAfterBackup = 3 };
std::string_view to_string(ServePolicy policy);  // "after-backup"

// A key may be given out for writing when the commit that made it is neither beyond the one nor the other.
struct WriteGate {
  static constexpr std::int64_t kOpen = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kShut = -1;  // not even what came from another server

  std::int64_t replica = kOpen;  // the peer's part
  std::int64_t backup = kOpen;   // the backups' part

  bool open() const { return replica == kOpen && backup == kOpen; }
};

// In force now; `chosen` by an operator, or following from what is configured.
struct ServeRule {
  ServePolicy policy = ServePolicy::kAtOnce;
  bool chosen = false;
};
Result<ServeRule> serve_rule(store::Reader& reader, const ServerContext& context, const Settings& settings);
Result<WriteGate> write_gate(store::Reader& reader, const ServerContext& context, const Settings& settings);

// The commit that a backup must reach to hold the key as it is needed. A key that came from another server is
// counted from the last commit here that touched it.
Result<std::int64_t> backup_mark(store::Reader& reader, const DataKey& key);
Result<std::int64_t> backup_mark(store::Reader& reader, const Kek& kek);
// SQL over data_key: the same. Of a key that the peer refused (kNeverHeld) it is the last commit, too.
inline constexpr std::string_view kBackupMarkSql =
    "(CASE WHEN created_commit BETWEEN 1 AND 9223372036854775806 THEN created_commit ELSE row_commit END)";

// The newest commit of a key or KEK of this server that is in no backup and must be; 0: none.
Result<std::int64_t> newest_waiting(store::Reader& reader, const ServerContext& context,
                                    const Settings& settings);
// How many unused keys of this server that a write could be given next, and how many KEKs, wait.
struct WaitingKeys {
  std::int64_t keys = 0;
  std::int64_t keks = 0;
  WallTime since{};  // when the oldest of the keys was made; kNever without any
};
// Of one group; nothing in it for KEKs.
Result<WaitingKeys> count_waiting(store::Reader& reader, const ServerContext& context,
                                  const Settings& settings, const KeyGroup& group);
Result<WaitingKeys> count_waiting(store::Reader& reader, const ServerContext& context,
                                  const Settings& settings);

// How many unused keys of this server in the group the peer does not hold, where it must: none of them is
// given out for writing before it does.
Result<std::int64_t> count_unshared(store::Reader& reader, const ServerContext& context,
                                    const Settings& settings, const KeyGroup& group);

// The error of a write that waits: kUnavailable with EkmCode::kWaitingForBackup. Asks for the backup, too.
// `what`: "the key ABC".
std::unexpected<Error> wait_for_backup(const ServerContext& context, std::int64_t mark,
                                       const std::string& what, std::string field);
bool is_waiting(const Error& error);
// EE34, of what the peer does not hold. `what`: "the group G has no key left that the peer server also holds"
std::unexpected<Error> refuse_without_peer(const ServerContext& context, std::string what, std::string field);

}  // namespace tapewarden::keymgr

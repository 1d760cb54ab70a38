// The key ledger (K12): the permanent record volser <-> key, asked in both directions.
//
// Invariants
//  I1 Rows are added and confirmed, never erased, never shortened.
//  I2 (server, sequence) names a row for ever; a server writes only under its own id, sequences without
//     reuse.
//  I3 A row is written in the transaction that chooses the key: what was given out is in the ledger.
//
//   add() --> issued --confirm()--> confirmed
//   import() --> imported
//
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymgr/data_keys.h"
#include "keymgr/key_request.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// All given members must fit. Empty members do not restrict.
struct LedgerQuery {
  std::string volser = {};
  std::optional<Uuid> volume = {};
  std::string alias = {};
  std::string label = {};  // either of the two
  std::optional<Hash256> kek = {};
  std::string drive = {};
  std::optional<WallTime> from = {};   // issued at or after
  std::optional<WallTime> until = {};  // issued before
};

class Ledger {
 public:
  Ledger(const ServerContext& context, const DataKeys& keys) : context_(context), keys_(keys) {}

  // Server, sequence, state and time are filled in here.
  Result<LedgerEntry> add(store::Transaction& transaction, LedgerEntry entry) const;
  // From outside (an old EKM's metadata): under this server's id, in the state "imported", with the time it
  // came with. Its request id names the record, so that it is known again.
  Result<LedgerEntry> import(store::Transaction& transaction, LedgerEntry entry) const;
  // Twice is the same as once. kNotFound: nothing was issued under that reference; kPermissionDenied: to
  // another drive or volume.
  Result<LedgerEntry> confirm(store::Transaction& transaction, const LedgerReference& reference,
                              std::string_view drive, const Uuid& volume) const;

  Result<std::optional<LedgerEntry>> find(store::Reader& reader, const LedgerReference& reference) const;
  // The exchange with that id, drive, volume and purpose, when it was answered before: the latest answer.
  Result<std::optional<LedgerEntry>> find_exchange(store::Reader& reader, const Uuid& request_id,
                                                   std::string_view drive, const Uuid& volume,
                                                   Purpose purpose) const;
  // Whether some entry for the volume holds exactly these EEDKs and this key check value.
  Result<bool> holds(store::Reader& reader, const eedk::EedkSet& set) const;
  // Whether a row with that request id was imported, here or by the peer.
  Result<bool> holds_imported(store::Reader& reader, const Bytes& request_id) const;
  // EEDKs that were made by rekeying for the same volume and, as the key check value says, the same data key.
  // Newest first, at most eight.
  Result<std::vector<eedk::EedkSet>> rewrapped(store::Reader& reader, const eedk::EedkSet& set) const;
  // Newest first; `after` is (issued, server, sequence) in the page's own form.
  Result<Page<LedgerEntry>> query(store::Reader& reader, const LedgerQuery& query,
                                  const PageRequest& page) const;

  // New entries of this server have higher sequences than `first`.
  static Status begin_sequences(store::Transaction& transaction, std::int64_t first);

 private:
  Result<LedgerEntry> insert(store::Transaction& transaction, LedgerEntry entry) const;

  const ServerContext& context_;
  const DataKeys& keys_;
};

}  // namespace tapewarden::keymgr

// One request on its way through KeyService: the four steps as functions, without threads. Each step uses
// what the one before found. A value of one request; one thread at a time.
//
//   plan() --> prepare() --> commit() --> finish()
//     ^                         |
//     +------- kAgain ----------+   another exchange changed what the plan rested on
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "keymgr/drive_check.h"
#include "keymgr/eedk_opener.h"
#include "keymgr/key_cache.h"
#include "keymgr/key_manager.h"
#include "keymgr/key_request.h"
#include "keymgr/wait_book.h"
#include "keymgr/write_choice.h"

namespace tapewarden::keymgr {

class Exchange {
 public:
  // Borrows all but the request.
  Exchange(KeyManager& manager, KeyCache& cache, const crypto::PrivateKey& decoy, KeyRequest request);

  const KeyRequest& request() const { return request_; }
  // How long it had waited for a backup; stands in the audit when it is served. Before commit().
  void set_waited(std::optional<Wait> waited) { waited_ = waited; }

  // Reads everything that is needed, refuses what can be refused now. May be called again.
  Status plan(store::Reader& reader);
  // The heavy part before the commit: opening EEDKs, or a fresh data key and its EEDKs.
  Status prepare();
  enum class Outcome : std::uint8_t { kDone, kAgain };
  // Within one transaction: what may have changed, the choice of a stored key, ledger and audit. May be run
  // again from the start by the keystore.
  Result<Outcome> commit(store::Transaction& transaction);
  // The heavy part after the commit: the SEDK.
  Result<KeyAnswer> finish();

  // The audit record of a refusal; notes an unknown drive for the operator. `repeated`: as RefusalRecords
  // gave it; without it there is no record. `accepted_now`: the drive was taken into the table by the setting
  // drive.unknown = accept, so the request may be tried again.
  Status refuse(store::Transaction& transaction, const Error& error, std::optional<std::uint64_t> repeated,
                bool& accepted_now);

 private:
  void forget();
  Status plan_once(store::Reader& reader);
  Status check_shape() const;
  Status check_method() const;
  Status plan_write(store::Reader& reader);
  Status plan_identified_write(store::Reader& reader);
  Status plan_wrapped_write(store::Reader& reader);
  Status plan_stored_key(store::Reader& reader);
  Status plan_held_set(store::Reader& reader);
  Status plan_rewrapped(store::Reader& reader);
  Status plan_rekey(store::Reader& reader);
  Status plan_targets(store::Reader& reader, const std::vector<LabelChoice>& choices);
  Status plan_seal(store::Reader& reader);
  Status find_seal(store::Reader& reader);
  bool sealed_here() const;
  Status open_held_set();
  Status make_set();
  Status require_genuine() const;
  Status recheck(store::Transaction& transaction);
  Status recheck_keks(store::Transaction& transaction);
  Status choose_stored_key(store::Transaction& transaction);
  Status charge_quotas(store::Transaction& transaction) const;
  Status check_key_access(store::Reader& reader, const DataKey& key, std::span<const Right> rights) const;
  Result<Outcome> commit_confirm(store::Transaction& transaction);
  bool is_set_aside(const LedgerEntry& earlier) const;
  LedgerEntry ledger_entry() const;
  Result<bool> note_drive(store::Transaction& transaction);
  void audit_served(store::Transaction& transaction, bool retry) const;
  Purpose purpose() const;
  std::vector<Right> rights() const;

  KeyManager& manager_;
  KeyCache& cache_;
  const crypto::PrivateKey& decoy_;
  KeyRequest request_;

  // Whether plan() looks for an earlier answer to this exchange. A plan for reading, or for writing with a
  // stored key, costs nothing that would be lost: there commit() looks, which has the ledger's pages at hand,
  // and asks for another plan when it found one.
  bool look_for_earlier_ = true;
  std::optional<Wait> waited_;

  // Found by plan().
  CheckedDrive checked_;
  Method method_ = Method::kIdentifiedKey;
  std::optional<LedgerEntry> earlier_;    // this exchange was answered before
  std::optional<LedgerEntry> set_aside_;  // so it was, but that answer's EEDKs cannot be used any more
  IdentifiedChoice choice_;
  std::optional<DataKey> stored_key_;  // the tape's own key, or that of the earlier answer
  std::vector<WrapTarget> targets_;    // KEKs of new EEDKs
  std::optional<eedk::EedkSet> held_;  // the cartridge's EEDKs, or those of the earlier answer
  Openers openers_;
  Bytes sealer_;  // the certificate of the known server that the seal names; empty: none
  bool in_ledger_ = false;

  // Made by prepare() and commit().
  crypto::SecretBytes data_key_;
  std::optional<Opener> opened_by_;
  std::optional<eedk::EedkSet> made_;
  crypto::KeyCheckValue key_check_{};
  bool genuine_ = false;
  LedgerEntry entry_;
};

}  // namespace tapewarden::keymgr

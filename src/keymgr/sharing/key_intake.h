// What becomes of one key that a partner sent, and its doing. Included by .cc files of this folder.
// Stateless.
#pragma once

#include <optional>
#include <string>

#include "keymgr/sharing/key_import.h"
#include "keymgr/sharing/shared_file.h"

namespace tapewarden::keymgr::sharing {

struct Judgement {
  KeyOutcome outcome = KeyOutcome::kAdded;
  KeyState state = KeyState::kActive;  // that it gets
  std::optional<DataKey> here;         // kStateMerged: the row that changes
  std::string remark;                  // for the report; empty: there is nothing to say

  bool changes() const { return outcome != KeyOutcome::kUnchanged && outcome != KeyOutcome::kRefused; }
};
Result<Judgement> judge(store::Reader& reader, const KeyManager& manager, const SharedKey& key);

// REQUIRES: judged.changes(), in this transaction.
Status apply(store::Transaction& transaction, const KeyManager& manager, const Actor& actor,
             const SharedKey& key, const Judgement& judged, const crypto::SecretBytes& secret);

// The key out of its box. kCorrupt when it is not the one of its fingerprint.
Result<crypto::SecretBytes> open_shared(backup::SecretSealer& opener, const SharedKey& key);

}  // namespace tapewarden::keymgr::sharing

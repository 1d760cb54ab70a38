// Which stored key a tape or a ledger entry means, where servers that were installed apart brought several
// keys of one name together (K18, K19). With one key of the name it is that one. Else the ledger tells: its
// entry for the volume holds the check value of the key that was given out. Several rows of one and the same
// key are one key. Stateless; thread-safe.
#pragma once

#include <optional>

#include "keymgr/key_manager.h"
#include "keymgr/key_request.h"

namespace tapewarden::keymgr {

// The key that a ledger entry of the identified-key method tells of; nothing when it is not held.
Result<std::optional<DataKey>> key_of_entry(store::Reader& reader, const KeyManager& manager,
                                            const LedgerEntry& entry);

// The key that a write names by its alias: of several the one that this server owns. Nothing when none is
// held; kConflict when that does not tell either.
Result<std::optional<DataKey>> key_to_write(store::Reader& reader, const KeyManager& manager,
                                            std::string_view alias);

// The key of a tape that carries `request.dki`; nothing when none is held. request.alias may name one of
// several as ALIAS#FINGERPRINT. kConflict (EE25) naming them when nothing tells which it is.
Result<std::optional<DataKey>> key_of_tape(store::Reader& reader, const KeyManager& manager,
                                           const KeyRequest& request);

}  // namespace tapewarden::keymgr

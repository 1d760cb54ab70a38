// What a cartridge needs to be read, out of its rows in the ledger (K26). Values; pure but for the callback.
//
// A cartridge may have been begun anew several times; what a drive confirmed as written from the beginning
// made everything before it unnecessary; rows that two servers wrote within kClocksApart are in no order.
// What is in doubt is needed: of a write that no drive confirmed both the key before it and its own are. Of
// the wrapped-key method any one KEK that wrapped the data key will do.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eedk/data_key_identifier.h"
#include "keymgr/key_request.h"
#include "keymgr/rows.h"

namespace tapewarden::keymgr::recoverability {

// One KEK that opens the cartridge's data key.
struct Alternative {
  Hash256 kek{};
  // 0: its EEDK stands on the cartridge. Else it stands in the ledger alone, written by that commit here: a
  // place without that row can do nothing with the KEK.
  std::int64_t ledger_since = 0;
  auto operator<=>(const Alternative&) const = default;
};

// A data key by its identifier, or any of some KEKs. Neither: a key of which the ledger tells no more.
struct Need {
  std::optional<eedk::DataKeyIdentifier> data_key{};
  std::vector<Alternative> keks{};  // in order of id, each once
};

// 16 bytes that name a cartridge: its volume UUID; of one without a UUID, what was made of its volser.
using CartridgeId = std::array<std::uint8_t, 16>;
CartridgeId cartridge_id(const LedgerEntry& entry);

struct CartridgeFacts {
  CartridgeId id{};
  LedgerReference newest;
  WallTime issued{};  // of the newest row
  std::string pool;   // "group:DAILY", "label:ARCHIVE-2016", "none"; storage pools take their place later
  std::vector<Need> needs;
};

// The rows of one cartridge, in any order. `commit_of` gives the commit that wrote a row here; it is asked
// for EEDKs that stand in the ledger alone. REQUIRES: !rows.empty().
Result<CartridgeFacts> facts_of(std::vector<LedgerEntry> rows,
                                const std::function<Result<std::int64_t>(const LedgerEntry&)>& commit_of);

}  // namespace tapewarden::keymgr::recoverability

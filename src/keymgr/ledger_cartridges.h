// Which cartridges a key sealed, and which of them need it still, out of the ledger (K9, K10). A cartridge is
// told by its volume UUID; one that came from an older key manager without a UUID, by its volser.
// Stateless; thread-safe.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// A data key by its folded alias, or a KEK by its id.
using LedgerKey = std::variant<std::string, Hash256>;

enum class CartridgeFilter : std::uint8_t {
  // Every cartridge that was ever given the key, or an EEDK under the KEK. What a thief of the key can read,
  // if he has a copy.
  kEver,
  // Those that cannot be read without it. A cartridge needs it no more when it was written from its beginning
  // anew, confirmed by the drive; and a KEK, when the same data key also stands in the ledger under another
  // KEK whose private half is held here. When in doubt it counts: an unconfirmed write may not have happened.
  kNeeding,
};

struct SealedBy {
  LedgerEntry newest;               // the newest row of the cartridge with this key
  std::vector<std::string> drives;  // all that were given the key for it
  WallTime first{};
  bool written = false;  // one of the rows is a write, append or rekey, not only reads
};

// In order of (server, sequence) of the newest row. kInvalidArgument for a mark that is none.
Result<Page<SealedBy>> cartridges_of(store::Reader& reader, const LedgerKey& key, CartridgeFilter filter,
                                     const PageRequest& page);
Result<std::int64_t> count_cartridges(store::Reader& reader, const LedgerKey& key, CartridgeFilter filter);

}  // namespace tapewarden::keymgr

// A rehearsal of a restore: a scratch key server is made of a backup and asked, as a drive would ask it, for
// the keys of cartridges in the ledger. One thread; the keystore's own threads work behind it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/env.h"
#include "store/keystore.h"

namespace tapewarden::keymgr::backup {

struct DrillReport {
  std::uint64_t cartridges = 0;     // looked at: the newest in the ledger
  std::uint64_t served = 0;         // their key came, and its check value is the one in the ledger
  std::uint64_t elsewhere = 0;      // sealed by KEKs whose private halves are not held here
  std::uint64_t destroyed = 0;      // keys that were destroyed on purpose
  std::vector<std::string> failed;  // volser and reason, at most ten
};

// `keystore` is a scratch restore of `server`: drives, rules and ledger rows are written into it. kIo and the
// like when the drill itself cannot go on; what a cartridge lacks stands in the report.
Result<DrillReport> serve_from(Env env, store::Keystore& keystore, const Uuid& server,
                               std::size_t cartridges);

}  // namespace tapewarden::keymgr::backup

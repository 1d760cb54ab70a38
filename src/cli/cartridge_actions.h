// What the cartridge commands do when a key server has a say: erasing with a look at what else the key seals
// and a signed certificate (D6), repairing key areas from the ledger (K6), checking every tag with the key.
// Free functions; one thread at a time.
#pragma once

#include "cli/command.h"
#include "cli/context.h"

namespace tapewarden::cli {

// Of `cartridge erase`.
Status erase_cartridge(Context& context, const Values& values);
// Of `cartridge repair`.
Status repair_cartridge(Context& context, const Values& values);
// Of `cartridge rekey`.
Status rekey_cartridge(Context& context, const Values& values);
// Of `cartridge verify --drive`: reads the whole tape through a virtual drive with the key from the key
// servers; nothing is kept of what it reads. kCorrupt when a record does not verify.
Status verify_with_keys(Context& context, const Values& values);
// What `cartridge verify` ends with where all that is there is in order and a write was interrupted.
std::unexpected<Error> interrupted_write();
// For a cartridge that holds what a later version of the program wrote.
std::unexpected<Error> needs_newer_reader();

}  // namespace tapewarden::cli

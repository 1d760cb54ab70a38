// The library that hosts see, brought to what a rebuilt catalogue says: each logical volume is in it, and
// nothing else.
#pragma once

#include <string>
#include <vector>

#include "engine/catalogue/catalogue.h"
#include "tape/library/library_folder.h"

namespace tapewarden::apps {

struct SettledInventory {
  std::vector<std::string> put;      // volumes that the library did not have: in free slots now
  std::vector<std::string> unknown;  // that no cartridge and no backup told of: taken off
};

// The cartridges' files are kept by the engine (kept_cartridges.h). kExhausted when the library has too few
// free slots: nothing is changed then. Errors of the catalogue and the disk.
Result<SettledInventory> settle_inventory(tape::LibraryFolder& library, engine::Catalogue& catalogue,
                                          tape::MediumKind kind);

}  // namespace tapewarden::apps

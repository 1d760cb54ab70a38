// What holds data of a pool that encrypts back from cartridges in clear (feature row T3), whoever asked for
// it and whenever: looked at anew before each image is written. Thread-safe, as its state is.
//
//   it goes though        the pool that it lies in is off itself; it stays in its pool; its storage group or
//                         management class names the pool; or a security officer said so (has_clear_leave())
#pragma once

#include "engine/work/work_state.h"

namespace tapewarden::engine {

// What lies on the cartridge is not moved to the pool as things are now.
Result<bool> held_from_clear(CatalogueView& view, const PhysicalVolume& source, std::uint8_t target);
// The same of one volume's copy, which is in the cache or comes from its cartridge.
Result<bool> held_from_clear(CatalogueView& view, const LogicalVolume& volume, CopyNumber copy,
                             std::uint8_t target);

// Tells what is held; the intervention is by cartridge where a move was asked for, else by pool.
void tell_held(WorkState& state, const PhysicalVolume& source, std::uint8_t target);
// A copy in the cache that is held: it is not due any more when its cartridge can be relied on, so that it
// need not stay in the cache. Else it waits there, told by cartridge.
Status hold_copy(WorkState& state, const std::string& volser, CopyNumber copy, std::uint8_t target);
// Ends the interventions whose cause is gone.
Status clear_held(WorkState& state);

}  // namespace tapewarden::engine

// The note of a cartridge (PhysicalVolume::note) that could not be read or written. Pure.
#pragma once

#include <string_view>

#include "engine/catalogue/cartridge.h"

namespace tapewarden::engine {

// How it begins: emptied, the cartridge is not scratch again but damaged, until an operator found it good.
inline constexpr std::string_view kDamageNote = "damaged: ";

// What lies on it may come to nothing when it is asked for: a drive noted damage, or a rebuild could not read
// the cartridge. It is read when nothing else is there; nobody relies on it, and nothing is written on it.
inline bool doubtful(const PhysicalVolume& cartridge) {
  return cartridge.unexamined || cartridge.note.starts_with(kDamageNote);
}

}  // namespace tapewarden::engine

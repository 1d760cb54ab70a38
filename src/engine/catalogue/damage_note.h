// The note of a cartridge (PhysicalVolume::note) that could not be read or written. Pure.
#pragma once

#include <string_view>

namespace tapewarden::engine {

// How it begins: emptied, the cartridge is not scratch again but damaged, until an operator found it good.
inline constexpr std::string_view kDamageNote = "damaged: ";

}  // namespace tapewarden::engine

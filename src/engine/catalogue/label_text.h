// Key labels in words, for messages to people. Pure.
#pragma once

#include <array>
#include <string>

#include "engine/catalogue/cartridge.h"

namespace tapewarden::engine {

// "FINANCE (clear), DR (hash)"; without one: those that the key server chose.
std::string text_of(const std::array<KeyLabel, 2>& labels);

}  // namespace tapewarden::engine

// Ranges of aliases as people type them, "ABC000000000000000001-0F" (eedk/data_key_identifier.h). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

// In order; one alias without a hyphen is a range of itself. A text that holds a hyphen and is no range is
// refused, though an alias may hold one: it is a slip of the pen. kInvalidArgument naming `field`,
// kExhausted.
Result<std::vector<std::string>> aliases_of_range(std::string_view text, std::string_view field);

}  // namespace tapewarden::keymgr

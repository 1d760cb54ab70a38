// Names as operators write them: one volser or barcode, or a range FIRST-LAST. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::engine {

// In capitals and in order, as tape::barcode_range() counts. kInvalidArgument naming `field`, kExhausted
// beyond kMaximumOrdered.
Result<std::vector<std::string>> named_range(std::string_view text, std::string_view field);

// "A00001, A00002 and 40 more", at most kMaximumNamed of them.
std::string some_of(const std::vector<std::string>& names);

}  // namespace tapewarden::engine

// What an operator has taken out of the cache before its turn (feature row T5). Thread-safe as the parts that
// it works on.
#pragma once

#include <string>
#include <vector>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// Out of the cache, the key of its file forgotten: volumes that are on tape as often as their constructs want
// and that no drive holds. A line for each: done, or why not.
std::vector<OrderLine> evict_volumes(const OperatorParts& parts, const std::vector<std::string>& volsers);

}  // namespace tapewarden::engine

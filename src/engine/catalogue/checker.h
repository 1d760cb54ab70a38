// Recomputes what the catalogue keeps besides its rows, and compares. One thread.
#pragma once

#include <string>
#include <vector>

#include "store/keystore.h"

namespace tapewarden::engine {

// What does not fit, at most kMaximumFaults sentences; damaged rows are among them. Needs memory for the
// cartridges and the sums, not for the volumes.
Result<std::vector<std::string>> check_catalogue(store::Reader& reader);

}  // namespace tapewarden::engine

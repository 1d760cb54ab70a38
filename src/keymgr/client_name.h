// Names of KMIP clients, and of groups of clients that share (K21): the records of clients, access rules and
// quotas name them alike. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumKmipClientName = 64;

// 1 to kMaximumKmipClientName printable characters without blanks at the ends. kInvalidArgument.
Result<std::string> canonical_kmip_client(std::string_view name, std::string_view field);

}  // namespace tapewarden::keymgr

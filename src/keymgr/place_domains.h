// The setting recoverability.domains: failure domains of places, "primary=building-1, secondary=building-2".
// A name without a kind is a server's; others are named as places are: "holder:ARCHIVE-2016=vault". Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

// Place and domain, in order. kInvalidArgument naming the setting.
Result<std::vector<std::pair<std::string, std::string>>> parse_place_domains(std::string_view text);

}  // namespace tapewarden::keymgr

// How orders refuse to carry data of a pool that encrypts to where it is written in clear (feature row T3).
// Thread-safe. Internal to engine/operator/.
#pragma once

#include <string>

#include "engine/catalogue/constructs.h"

namespace tapewarden::engine {

// kConflict naming `field`. `what`: "what lies on P00001L9".
std::unexpected<Error> refuse_clear(const std::string& what, const Pool& home, const Pool& target,
                                    std::string_view field);

}  // namespace tapewarden::engine

// What operators are told of pools whose settings are not known (feature row T12). Thread-safe.
#pragma once

#include "engine/catalogue/catalogue.h"
#include "engine/notices.h"

namespace tapewarden::engine {

// One intervention for all of them, as long as there is one.
Status watch_held_pools(Catalogue& catalogue, Notices& notices);

}  // namespace tapewarden::engine

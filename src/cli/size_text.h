// Sizes as people write them, for the command line's own names.
#pragma once

#include "base/size_text.h"

namespace tapewarden::cli {

using tapewarden::parse_size;

}  // namespace tapewarden::cli

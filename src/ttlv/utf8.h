// UTF-8 as RFC 3629 section 4 has it: no overlong forms, no surrogates, nothing above 10FFFFh. Pure.
#pragma once

#include "base/bytes.h"

namespace tapewarden::ttlv {

bool is_utf8(ByteView bytes);

}  // namespace tapewarden::ttlv

// One request message to a KMIP server, and its answer.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/error.h"

namespace tapewarden::kmip {

using Exchange = std::function<Result<Bytes>(Bytes request)>;

}  // namespace tapewarden::kmip

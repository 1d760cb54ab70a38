// Errors as the REST interface tells them (U3): {"error": {code, origin, field, message, remedy}} with the
// HTTP status of RFC 9110 that fits. Pure.
#pragma once

#include <string_view>

#include "admin/http/route.h"

namespace tapewarden::admin {

unsigned http_status(ErrorCode code);
// `origin` is who found the error: "key-server", "engine". The component's own code (Error::detail) is told
// as "detail" in hex when there is one.
Answer error_answer(const Error& error, std::string_view origin);
Answer error_answer(unsigned status, const Error& error, std::string_view origin);

}  // namespace tapewarden::admin

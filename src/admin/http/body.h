// Reads a JSON body into Arguments by a route's FieldSpecs. Pure but for the wiping of the body.
#pragma once

#include <span>

#include "admin/http/arguments.h"

namespace tapewarden::admin {

// Reads the fields whose place is kBody; an empty body is an empty object. The body is wiped before this
// returns when any of the fields is a secret. kInvalidArgument naming the field, or "body" when it is no JSON
// object. Unknown members are errors: a misspelt one must not be taken for "leave as it is".
Status read_body(Bytes& body, std::span<const FieldSpec> fields, Arguments& into);

}  // namespace tapewarden::admin

// Takes secrets out of a JSON body before a general parser sees it, so that no library's buffers ever hold
// them. Pure but for the change of the body.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::admin {

using SecretFields = std::map<std::string, crypto::SecretBytes, std::less<>>;

// Finds the members of the outermost object whose name is one of `names` and whose value is a string, decodes
// each value (RFC 8259 section 7) into secure memory and overwrites it in the body with blanks. Leaves
// everything else, well-formed or not, to the parser that follows; a name written with escapes is not found,
// which the caller must treat as an error when the parser then meets it.
// kInvalidArgument naming the field for a string that cannot be decoded or a name that repeats.
Result<SecretFields> take_secret_fields(MutableByteView body, std::span<const std::string_view> names);

}  // namespace tapewarden::admin

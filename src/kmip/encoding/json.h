// The JSON encoding of TTLV (KMIP Profiles 2.1 section 5.4; 1.4 section 5.4). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "ttlv/item.h"

namespace tapewarden::kmip::encoding {

// One object {"tag", "type", "value"} → its TTLV encoding. kInvalidArgument naming the tag; kExhausted beyond
// the limits.
Result<Bytes> from_json(std::string_view json, const ttlv::Limits& limits = {});
std::string to_json(const ttlv::Item& item);

}  // namespace tapewarden::kmip::encoding

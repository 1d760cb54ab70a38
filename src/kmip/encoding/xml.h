// The XML encoding of TTLV (KMIP Profiles 2.1 section 5.5; 1.4 section 5.5). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "ttlv/item.h"

namespace tapewarden::kmip::encoding {

// One element with what is in it → its TTLV encoding. kInvalidArgument naming the element; kExhausted beyond
// the limits.
Result<Bytes> from_xml(std::string_view xml, const ttlv::Limits& limits = {});
// Without a declaration in front; indented by two spaces for each level when `indented`.
std::string to_xml(const ttlv::Item& item, bool indented = false);

}  // namespace tapewarden::kmip::encoding

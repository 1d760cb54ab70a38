// The names of TTLV's types in the XML and JSON encodings. Pure; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "ttlv/item.h"

namespace tapewarden::kmip::encoding {

std::string_view type_name(ttlv::Type type);
std::optional<ttlv::Type> type_of(std::string_view name);

}  // namespace tapewarden::kmip::encoding

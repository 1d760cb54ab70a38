// Base64 (RFC 4648 section 4, with padding): how files travel inside JSON. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tapewarden {

std::string to_base64(ByteView bytes);
// Strict: the alphabet of section 4, padding required, no line ends. kInvalidArgument naming `field`.
Result<Bytes> from_base64(std::string_view text, std::string_view field);

}  // namespace tapewarden

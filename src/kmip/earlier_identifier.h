// The vendor attribute (x-Earlier-Identifier) that keeps the identifier which an object had at another KMIP
// server, where that was no UUID (client/migration.h). In a request its value stands for the object.
#pragma once

#include <string_view>

namespace tapewarden::kmip {

inline constexpr std::string_view kEarlierIdentifier = "Earlier-Identifier";

}  // namespace tapewarden::kmip

// The version of the protocol that a message speaks, and how a request is refused. Values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "kmip/enumerations.h"

namespace tapewarden::kmip {

struct ProtocolVersion {
  std::int32_t major = 0;
  std::int32_t minor = 0;
  auto operator<=>(const ProtocolVersion&) const = default;
  // Attributes are "Attribute {name, index, value}" before it, and items of their own tags from it on.
  bool is_2() const { return major >= 2; }
};

inline constexpr ProtocolVersion kOldest{1, 0};
inline constexpr ProtocolVersion kNewest{2, 1};
// In the order in which Discover Versions lists them: the newest first.
inline constexpr ProtocolVersion kVersions[] = {{2, 1}, {2, 0}, {1, 4}, {1, 3}, {1, 2}, {1, 1}, {1, 0}};

std::string to_string(const ProtocolVersion& version);  // "1.4"

// A refusal with the Result Reason that the client is told: Error::detail holds kReasonMark | reason.
std::unexpected<Error> refuse(ResultReason reason, std::string message, std::string field = {});

// What the client of that version is told about the error: the reason that refuse() gave, or the nearest to
// the error's code, and where the version does not know it yet, the older one that it had for the case
// (Specification 1.4 section 11, 2.1 section 12).
ResultReason reason_of(const Error& error, const ProtocolVersion& version);

}  // namespace tapewarden::kmip

// Internal to net/. Request targets in origin form (RFC 9112 section 3.2.1). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tapewarden::net {

struct HttpTarget {
  std::string path;                                        // decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded
};

// kInvalidArgument (`detail` 400) unless it begins with '/', is well encoded, and its path has neither
// control bytes nor "." or ".." segments.
Result<HttpTarget> parse_target(std::string_view target);

}  // namespace tapewarden::net

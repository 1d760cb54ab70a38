// Java's properties files (java.util.Properties, the line-oriented format). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumPropertiesBytes = 1U << 20;
inline constexpr std::size_t kMaximumProperties = 5000;

struct JavaProperty {
  std::size_t line = 0;  // where it begins, from 1
  std::string key;
  std::string value;  // \uXXXX as UTF-8; other bytes as they stand there. Of a password: empty
};

// Whether the value is a secret of the old server, told by the name. It is neither read nor kept.
bool names_password(std::string_view key);

// In the file's order; of a key that stands twice Java takes the last. kInvalidArgument naming the line of a
// \u that is no character; kExhausted beyond a limit.
Result<std::vector<JavaProperty>> read_java_properties(std::string_view text);

}  // namespace tapewarden::keymgr

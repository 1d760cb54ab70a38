#include "engine/operator/names.h"

#include <algorithm>

#include "engine/operator/limits.h"
#include "tape/library/barcode.h"

namespace tapewarden::engine {

Result<std::vector<std::string>> named_range(std::string_view text, std::string_view field) {
  auto names = tape::barcode_range(text);
  if (!names) {
    Error error = names.error();
    error.field = std::string(field);
    return std::unexpected(std::move(error));
  }
  if (names->size() <= kMaximumOrdered) return names;
  return fail(ErrorCode::kExhausted, "these are too many for one call", std::string(field),
              "name " + std::to_string(kMaximumOrdered) + " at most");
}

std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaximumNamed); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMaximumNamed) text += " and " + std::to_string(names.size() - kMaximumNamed) + " more";
  return text;
}

}  // namespace tapewarden::engine

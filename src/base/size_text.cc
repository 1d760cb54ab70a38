#include "base/size_text.h"

#include <limits>

#include "base/text.h"

namespace tapewarden {

Result<std::uint64_t> parse_size(std::string_view text, std::string_view field) {
  static constexpr std::string_view kUnits = "KMGT";
  std::uint64_t unit = 1;
  if (!text.empty()) {
    const auto index = kUnits.find(to_upper(text.substr(text.size() - 1)));
    if (index != std::string_view::npos) {
      for (std::size_t i = 0; i <= index; ++i) unit *= 1000;
      text.remove_suffix(1);
    }
  }
  const auto number = parse_number(text, 1, std::numeric_limits<std::uint64_t>::max() / unit, field);
  if (number) return *number * unit;
  return fail(ErrorCode::kInvalidArgument, "this is not a size", std::string(field),
              "write 18T, 500G or bytes");
}

}  // namespace tapewarden

// Text of several parts: texts and integers, the latter in decimal. For messages. Pure; thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapewarden {

template <typename Part>
void append_part(std::string& out, const Part& part) {
  if constexpr (std::integral<Part>) {
    out += std::to_string(part);
  } else {
    out += std::string_view(part);
  }
}

template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (append_part(out, parts), ...);
  return out;
}

// Lower-case hex, at least `digits` of them: hex_number(10, 4) is "000a".
inline std::string hex_number(std::uint64_t value, std::size_t digits) {
  std::string out;
  for (; value != 0 || out.size() < digits; value >>= 4U) {
    out.insert(out.begin(), "0123456789abcdef"[value & 0xFU]);
  }
  return out;
}

// Decimal with zeros in front. REQUIRES: value >= 0.
inline std::string padded_number(std::int64_t value, std::size_t digits) {
  const auto text = std::to_string(value);
  return std::string(text.size() < digits ? digits - text.size() : 0, '0') + text;
}

}  // namespace tapewarden

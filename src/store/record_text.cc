#include "store/record_text.h"

#include <cstdint>

namespace tapewarden::store {

namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

// How many bytes the UTF-8 sequence that begins with `lead` has; 0 for none.
std::size_t sequence_length(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// Takes one character off the front; a byte that is no UTF-8 gives the replacement character.
std::uint32_t take_character(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = sequence_length(lead);
  if (length == 1 || length == 0 || length > text.size()) {
    text.remove_prefix(1);
    return length == 1 ? lead : kReplacement;
  }
  std::uint32_t character = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0U) != 0x80U) {
      text.remove_prefix(1);
      return kReplacement;
    }
    character = character << 6 | (next & 0x3FU);
  }
  text.remove_prefix(length);
  return character;
}

void append_escape(std::string& out, std::uint32_t unit) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[unit >> shift & 0xFU];
}

}  // namespace

void append_ascii(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::uint32_t character = take_character(text);
    if (character >= 0x20 && character < 0x7F) {
      out += static_cast<char>(character);
    } else if (character >= 0x10000) {
      append_escape(out, 0xD800U + ((character - 0x10000U) >> 10));
      append_escape(out, 0xDC00U + ((character - 0x10000U) & 0x3FFU));
    } else {
      append_escape(out, character);
    }
  }
}

std::string json_quoted(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  std::string out = "\"";
  append_ascii(out, escaped);
  return out + "\"";
}

}  // namespace tapewarden::store

#include "iscsi/text.h"

#include <algorithm>

#include "base/base64.h"
#include "base/text.h"

namespace tapewarden::iscsi {

namespace {

constexpr std::size_t kMaxNameBytes = 223;  // RFC 7143 section 4.2.7.1

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes && std::ranges::all_of(key, [](char c) {
    return is_alphanumeric(c) || std::string_view(".-+@_").contains(c);
  });
}
// UTF-8 of names may pass; what could forge a line or a terminal may not.
bool is_value(std::string_view value) {
  return value.size() <= kMaxValueBytes && std::ranges::all_of(value, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

std::unexpected<Error> bad_text(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "text");
}

}  // namespace

Result<Text> Text::parse(ByteView bytes) {
  Text text;
  auto rest = as_text(bytes);
  while (!rest.empty()) {
    const auto end = rest.find('\0');
    const auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;  // padding that somebody counted in
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return bad_text("a key has no value");
    const auto key = pair.substr(0, equals);
    const auto value = pair.substr(equals + 1);
    if (!is_key(key)) return bad_text("a key is not one");
    if (!is_value(value)) return bad_text("the value of " + std::string(key) + " is not text");
    if (text.find(key) != nullptr) return bad_text(std::string(key) + " is there twice");
    if (text.pairs_.size() == kMaxKeys) return bad_text("there are too many keys");
    text.add(key, value);
  }
  return text;
}

const std::string* Text::find(std::string_view key) const {
  const auto found = std::ranges::find(pairs_, key, &KeyValue::key);
  return found == pairs_.end() ? nullptr : &found->value;
}

void Text::add(std::string_view key, std::string_view value) {
  pairs_.push_back({std::string(key), std::string(value)});
}

Bytes Text::encode() const {
  ByteWriter out;
  for (const auto& [key, value] : pairs_) out.text(key).text("=").text(value).u8(0);
  return out.take();
}

Result<std::uint64_t> parse_numerical(std::string_view value) {
  const bool hex = value.starts_with("0x") || value.starts_with("0X");
  const auto digits = hex ? value.substr(2) : value;
  if (digits.empty() || digits.size() > (hex ? 16U : 19U)) return bad_text("a number is not one");
  std::uint64_t number = 0;
  for (const char c : digits) {
    const auto digit = std::string_view("0123456789abcdef").find(to_lower(std::string_view(&c, 1)));
    if (digit >= (hex ? 16U : 10U)) return bad_text("a number is not one");
    number = number * (hex ? 16U : 10U) + digit;
  }
  return number;
}

Result<Bytes> parse_binary(std::string_view value, std::size_t limit) {
  if (value.size() < 3 || value[0] != '0' || value.size() > 2 * limit + 8)
    return bad_text("a binary value is not one");
  const auto digits = value.substr(2);
  Bytes bytes;
  if (value[1] == 'x' || value[1] == 'X') {
    bytes = TRY(from_hex((digits.size() % 2 == 0 ? "" : "0") + std::string(digits)));
  } else if (value[1] == 'b' || value[1] == 'B') {
    bytes = TRY(from_base64(digits, "text"));
  } else {
    return bad_text("a binary value is not one");
  }
  if (bytes.size() > limit) return bad_text("a binary value is too long");
  return bytes;
}

std::string format_binary(ByteView bytes) {
  return "0x" + to_hex(bytes);
}

bool is_node_name(std::string_view name) {
  if (name.size() > kMaxNameBytes || name.size() < 5) return false;
  if (!name.starts_with("iqn.") && !name.starts_with("eui.") && !name.starts_with("naa.")) return false;
  return std::ranges::all_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           std::string_view(".-:").contains(c);
  });
}

}  // namespace tapewarden::iscsi

#include "admin/http/secret_fields.h"

#include <algorithm>
#include <optional>

namespace tapewarden::admin {
namespace {

std::unexpected<Error> bad_string(std::string_view field) {
  return fail(ErrorCode::kInvalidArgument, "the string is not valid JSON", std::string(field), "");
}

// Writes decoded characters into secure memory of a size known beforehand: decoding never makes it longer.
class SecretWriter {
 public:
  explicit SecretWriter(std::size_t capacity) : memory_(crypto::SecretBytes::zeros(capacity)) {}
  void put(std::uint32_t byte) { memory_.reveal_mutable()[used_++] = static_cast<std::uint8_t>(byte); }
  void put_code_point(std::uint32_t point) {  // UTF-8, RFC 3629
    if (point < 0x80) {
      put(point);
    } else if (point < 0x800) {
      put(0xC0 | point >> 6);
      put(0x80 | (point & 63));
    } else if (point < 0x10000) {
      put(0xE0 | point >> 12);
      put(0x80 | (point >> 6 & 63));
      put(0x80 | (point & 63));
    } else {
      put(0xF0 | point >> 18);
      put(0x80 | (point >> 12 & 63));
      put(0x80 | (point >> 6 & 63));
      put(0x80 | (point & 63));
    }
  }
  crypto::SecretBytes take() { return crypto::SecretBytes::copy_of(memory_.reveal().first(used_)); }

 private:
  crypto::SecretBytes memory_;
  std::size_t used_ = 0;
};

std::optional<std::uint32_t> hex4(ByteView raw, std::size_t at) {
  if (at + 4 > raw.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const std::uint8_t c = raw[i];
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - std::uint32_t{'0'};
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | std::uint32_t{0x20}) - 'a' + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
  }
  return value;
}

// The escape whose letter stands at `at`; moves `at` behind it. False when there is no such escape.
bool decode_escape(ByteView raw, std::size_t& at, SecretWriter& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (at >= raw.size()) return false;
  const auto index = kLetters.find(static_cast<char>(raw[at]));
  if (index != std::string_view::npos) {
    out.put(static_cast<std::uint8_t>(kMeanings[index]));
    ++at;
    return true;
  }
  if (raw[at] != 'u') return false;
  const auto first = hex4(raw, at + 1);
  if (!first) return false;
  at += 5;
  if (*first < 0xD800 || *first > 0xDFFF) {
    out.put_code_point(*first);
    return true;
  }
  if (*first > 0xDBFF || at + 2 > raw.size() || raw[at] != '\\' || raw[at + 1] != 'u') return false;
  const auto second = hex4(raw, at + 2);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return false;
  at += 6;
  out.put_code_point(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
  return true;
}

Result<crypto::SecretBytes> decode_string(ByteView raw, std::string_view field) {
  SecretWriter out(raw.size());
  for (std::size_t at = 0; at < raw.size();) {
    const std::uint8_t byte = raw[at++];
    if (byte < 0x20) return bad_string(field);
    if (byte != '\\') {
      out.put(byte);
    } else if (!decode_escape(raw, at, out)) {
      return bad_string(field);
    }
  }
  return out.take();
}

// A walk over the tokens of a body that matters only as far as strings, depth and the outermost members go.
class Scanner {
 public:
  Scanner(MutableByteView body, std::span<const std::string_view> names) : body_(body), names_(names) {}

  Result<SecretFields> run() {
    while (at_ < body_.size()) {
      const std::uint8_t c = body_[at_];
      if (c == '"') {
        TRY(string());
        continue;
      }
      if (c == '{' || c == '[') ++depth_;
      if (c == '}' || c == ']') --depth_;
      if (c == ',') name_.clear();
      if (c == ':' && depth_ == 1) name_ = last_string_;
      ++at_;
    }
    return std::move(found_);
  }

 private:
  // The string that begins at at_; it is a wanted secret when it is the value of a wanted name.
  Status string() {
    const std::size_t begin = ++at_;
    while (at_ < body_.size() && body_[at_] != '"') at_ += body_[at_] == '\\' ? 2U : 1U;
    const std::size_t end = std::min(at_, body_.size());
    at_ = end + 1;
    const MutableByteView raw = body_.subspan(begin, end - begin);
    const bool wanted = depth_ == 1 && std::find(names_.begin(), names_.end(), name_) != names_.end();
    if (!wanted) {
      // Only a string that could be a name is copied.
      last_string_ = raw.size() <= kLongestName ? std::string(as_text(raw)) : std::string();
      return {};
    }
    if (found_.contains(name_)) {
      return fail(ErrorCode::kInvalidArgument, "the field is given twice", name_, "give it once");
    }
    found_.emplace(name_, TRY(decode_string(raw, name_)));
    std::fill(raw.begin(), raw.end(), std::uint8_t{' '});
    name_.clear();
    return {};
  }

  static constexpr std::size_t kLongestName = 64;
  MutableByteView body_;
  std::span<const std::string_view> names_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string last_string_;  // the last string that was no secret
  std::string name_;         // of the outermost member whose value comes next
  SecretFields found_;
};

}  // namespace

Result<SecretFields> take_secret_fields(MutableByteView body, std::span<const std::string_view> names) {
  if (names.empty()) return SecretFields{};
  return Scanner(body, names).run();
}

}  // namespace tapewarden::admin

#include "eedk/data_key_identifier.h"

#include <algorithm>
#include <cstdio>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::eedk {

namespace {

constexpr std::size_t kPrefixLetters = 3;
constexpr std::size_t kDigits = 18;

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
  });
}

std::string_view without_right_blanks(std::string_view text) {
  const auto last = text.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

bool has_prefix(std::string_view text) {
  return text.size() >= kPrefixLetters && std::ranges::all_of(text.substr(0, kPrefixLetters), is_letter);
}

std::unexpected<Error> bad_alias(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "alias",
              "use 1 to 12 printable characters, or 3 letters and 18 hexadecimal digits that begin with 00");
}

// "00" and 16 digits.
std::string digits_of(std::uint64_t number) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "00%016llX", static_cast<unsigned long long>(number));
  return text.data();
}

Result<DataKeyIdentifier> from_long_alias(std::string_view alias) {
  const auto digits = alias.substr(kPrefixLetters);
  if (!has_prefix(alias) || !is_hex(digits)) {
    return bad_alias("an alias of 21 characters is 3 letters and 18 hexadecimal digits");
  }
  if (!digits.starts_with("00")) return bad_alias("the first two of the 18 digits must be 00");
  const Bytes number = TRY(from_hex(digits));
  DataKeyIdentifier out;
  copy_bytes(MutableByteView(out.bytes).first(kPrefixLetters),
             as_bytes(to_upper(alias.substr(0, kPrefixLetters))));
  copy_bytes(MutableByteView(out.bytes).subspan(kPrefixLetters), number);
  return out;
}

// The number of 1 to 18 hexadecimal digits whose first two, once padded to 18, are 00.
Result<std::uint64_t> number_of(std::string_view digits) {
  if (digits.empty() || digits.size() > kDigits || !is_hex(digits)) {
    return fail(ErrorCode::kInvalidArgument, "a range needs 1 to 18 hexadecimal digits after its 3 letters",
                "alias range");
  }
  const Bytes bytes = TRY(from_hex(std::string(kDigits - digits.size(), '0') + std::string(digits)));
  ByteReader in(bytes);
  if (TRY(in.u8("alias range")) != 0) {
    return fail(ErrorCode::kInvalidArgument, "the first two of the 18 digits must be 00", "alias range");
  }
  return in.u64("alias range");
}

}  // namespace

Result<DataKeyIdentifier> DataKeyIdentifier::from_alias(std::string_view alias) {
  const auto text = without_right_blanks(alias);
  if (text.empty()) return bad_alias("the alias is empty");
  if (text.size() == kLongAliasCharacters) return from_long_alias(text);
  if (text.size() > kShortAliasLimit)
    return bad_alias("the alias has neither up to 12 nor exactly 21 characters");
  if (!is_printable(text) || text.front() == ' ') {
    return bad_alias("the alias has a character that is not printable, or begins with a blank");
  }
  ByteWriter out;
  out.padded(to_upper(text), kDataKeyIdentifierBytes);
  return from_tape(out.view());
}

Result<DataKeyIdentifier> DataKeyIdentifier::from_tape(ByteView bytes) {
  if (bytes.size() != kDataKeyIdentifierBytes) {
    return fail(ErrorCode::kInvalidArgument, "a data key identifier has 12 bytes", "data key identifier");
  }
  DataKeyIdentifier out;
  copy_bytes(out.bytes, bytes);
  return out;
}

Result<std::string> DataKeyIdentifier::alias() const {
  const auto text = as_text(bytes);
  if (has_prefix(text) && bytes[kPrefixLetters] == 0) {
    return to_upper(text.substr(0, kPrefixLetters)) +
           to_upper(to_hex(ByteView(bytes).subspan(kPrefixLetters)));
  }
  const auto trimmed = without_right_blanks(text);
  if (trimmed.empty() || !is_printable(trimmed) || trimmed.front() == ' ') {
    return fail(ErrorCode::kInvalidArgument,
                "the data key identifier " + hex() + " is no alias of this system", "data key identifier");
  }
  return to_upper(trimmed);
}

DataKeyIdentifier DataKeyIdentifier::folded() const {
  const auto text = alias();
  if (!text) return *this;
  auto out = from_alias(*text);
  TW_ASSERT(out.has_value());
  return *out;
}

Result<std::string> canonical_alias(std::string_view alias) {
  return TRY(DataKeyIdentifier::from_alias(alias)).alias();
}

Result<std::vector<std::string>> expand_alias_range(std::string_view range) {
  const auto hyphen = range.find('-');
  // A short alias may hold a hyphen; only 3 letters and digits on its left make a range.
  if (hyphen == std::string_view::npos || hyphen <= kPrefixLetters || !has_prefix(range) ||
      !is_hex(range.substr(kPrefixLetters, hyphen - kPrefixLetters))) {
    return std::vector<std::string>{TRY(canonical_alias(range))};
  }
  const auto prefix = to_upper(range.substr(0, kPrefixLetters));
  const auto first = TRY(number_of(range.substr(kPrefixLetters, hyphen - kPrefixLetters)));
  const auto ending = range.substr(hyphen + 1);
  (void)TRY(number_of(ending));
  std::string last_digits = digits_of(first);
  last_digits.replace(kDigits - ending.size(), ending.size(), ending);
  const auto last = TRY(number_of(last_digits));
  if (last < first)
    return fail(ErrorCode::kInvalidArgument, "the range ends before it starts", "alias range");
  if (last - first >= kMaxAliasRange) {
    return fail(ErrorCode::kExhausted, "the range has more than 1000000 aliases", "alias range",
                "split it into smaller ranges");
  }
  std::vector<std::string> out;
  out.reserve(last - first + 1);
  for (std::uint64_t i = 0; i <= last - first; ++i) out.push_back(prefix + digits_of(first + i));
  return out;
}

std::string default_alias(std::string_view prefix, std::uint32_t installation, std::uint32_t counter) {
  TW_ASSERT(prefix.size() == kPrefixLetters && has_prefix(prefix));
  return to_upper(prefix) + digits_of((std::uint64_t{installation} << 32) | counter);
}

}  // namespace tapewarden::eedk

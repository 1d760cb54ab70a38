#include "kmip/encoding/scalar_text.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <memory>

#include "base/concat.h"
#include "kmip/tags.h"

namespace tapewarden::kmip::encoding {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

std::unexpected<Error> no_value(std::string_view kind, std::string_view text) {
  return fail(ErrorCode::kInvalidArgument, concat("'", text, "' is no ", kind));
}

// "Cryptographic Usage Mask" → the tag of that name.
std::optional<ttlv::Tag> attribute_tag(std::string_view attribute) {
  std::string name;
  for (const char c : attribute) {
    if (c != ' ') name.push_back(c);
  }
  return tag_of(name);
}

// Whether the whole of `text` is a number, which `value` then is.
template <class Number>
bool all_of_number(std::string_view text, Number& value, int base) {
  const auto* const begin = std::to_address(text.begin());
  const auto* const end = std::to_address(text.end());
  const auto [stop, error] = std::from_chars(begin, end, value, base);
  return error == std::errc{} && stop == end;
}

// Two or more digits at the front of `text`, taken off it.
Result<int> take_digits(std::string_view& text, std::size_t count) {
  int value = 0;
  if (text.size() < count) return no_value("date", text);
  const auto digits = text.substr(0, count);
  if (!all_of_number(digits, value, 10)) return no_value("date", text);
  text.remove_prefix(count);
  return value;
}

Status take_mark(std::string_view& text, char mark) {
  if (text.empty() || text.front() != mark) return no_value("date", text);
  text.remove_prefix(1);
  return {};
}

Result<std::chrono::sys_seconds> take_day(std::string_view& text) {
  const int year = TRY(take_digits(text, 4));
  TRY(take_mark(text, '-'));
  const int month = TRY(take_digits(text, 2));
  TRY(take_mark(text, '-'));
  const int day = TRY(take_digits(text, 2));
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return no_value("day", text);
  return std::chrono::sys_seconds(std::chrono::sys_days(date));
}

Result<std::int64_t> take_time(std::string_view& text) {
  const int hours = TRY(take_digits(text, 2));
  TRY(take_mark(text, ':'));
  const int minutes = TRY(take_digits(text, 2));
  TRY(take_mark(text, ':'));
  const int seconds = TRY(take_digits(text, 2));
  if (hours > 23 || minutes > 59 || seconds > 60) return no_value("time of day", text);
  return ((hours * 60LL) + minutes) * 60 + seconds;
}

Result<std::int64_t> take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return 0;
  text.remove_prefix(1);
  std::int64_t micros = 0;
  std::int64_t unit = kMicros / 10;
  bool any = false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    micros += (text.front() - '0') * unit;
    unit /= 10;
    any = true;
    text.remove_prefix(1);
  }
  if (!any) return no_value("date", text);
  return micros;
}

// Seconds east of UTC; nothing at all means UTC.
Result<std::int64_t> take_offset(std::string_view& text) {
  if (text.empty()) return 0;
  const char sign = text.front();
  text.remove_prefix(1);
  if (sign == 'Z' && text.empty()) return 0;
  if (sign != '+' && sign != '-') return no_value("offset from UTC", text);
  const int hours = TRY(take_digits(text, 2));
  TRY(take_mark(text, ':'));
  const int minutes = TRY(take_digits(text, 2));
  if (!text.empty() || hours > 23 || minutes > 59) return no_value("offset from UTC", text);
  const std::int64_t seconds = ((hours * 60LL) + minutes) * 60;
  return sign == '+' ? seconds : -seconds;
}

std::string second_text(std::int64_t seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return concat(padded_number(static_cast<int>(date.year()), 4), "-",
                padded_number(static_cast<unsigned>(date.month()), 2), "-",
                padded_number(static_cast<unsigned>(date.day()), 2), "T",
                padded_number(time.hours().count(), 2), ":", padded_number(time.minutes().count(), 2), ":",
                padded_number(time.seconds().count(), 2));
}

}  // namespace

ValueNames::ValueNames(ttlv::Tag tag, std::string_view attribute)
    : names_tags_(tag == tag::kAttributeReference), values_(values_of(tag)) {
  if (tag != tag::kAttributeValue || attribute.empty()) return;
  if (const auto named = attribute_tag(attribute)) values_ = values_of(*named);
}

std::string ValueNames::enumeration_text(std::uint32_t value) const {
  std::string_view name;
  if (names_tags_) {
    name = tag_name(ttlv::Tag(value));
  } else if (values_ != nullptr) {
    name = value_name(*values_, value);
  }
  return name.empty() ? concat("0x", hex_number(value, 8)) : std::string(name);
}

Result<std::uint32_t> ValueNames::parse_enumeration(std::string_view text) const {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return static_cast<std::uint32_t>(TRY(parse_number(text, 0, std::numeric_limits<std::uint32_t>::max())));
  }
  if (names_tags_) {
    const auto tag = tag_of(text);
    if (!tag) return no_value("attribute", text);
    return static_cast<std::uint32_t>(*tag);
  }
  const auto value = values_ != nullptr ? value_of(*values_, text) : std::nullopt;
  if (!value) return no_value("known enumeration value", text);
  return *value;
}

std::string ValueNames::integer_text(std::int32_t value, char separator) const {
  if (values_ == nullptr || !values_->is_mask || value <= 0) return std::to_string(value);
  std::string out;
  auto left = static_cast<std::uint32_t>(value);
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out.push_back(separator);
    out += name;
  };
  for (const auto& bit : values_->values) {
    if ((left & bit.value) == 0) continue;
    add(bit.name);
    left &= ~bit.value;
  }
  if (left != 0) add(concat("0x", hex_number(left, 8)));
  return out;
}

Result<std::int32_t> ValueNames::parse_integer(std::string_view text, char separator) const {
  if (values_ == nullptr || !values_->is_mask) {
    if (text.starts_with("0x")) {
      const auto bits = TRY(parse_number(text, 0, std::numeric_limits<std::uint32_t>::max()));
      return static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
    }
    return static_cast<std::int32_t>(TRY(parse_number(text, std::numeric_limits<std::int32_t>::min(),
                                                      std::numeric_limits<std::int32_t>::max())));
  }
  std::uint32_t out = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const auto named = value_of(*values_, word);
    out |= named ? *named
                 : static_cast<std::uint32_t>(TRY(parse_number(word, std::numeric_limits<std::int32_t>::min(),
                                                               std::numeric_limits<std::uint32_t>::max())));
  }
  return static_cast<std::int32_t>(out);
}

std::string date_text(std::int64_t seconds) {
  return second_text(seconds) + "+00:00";
}

std::string extended_date_text(std::int64_t microseconds) {
  const std::chrono::microseconds all(microseconds);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(all);
  return concat(second_text(seconds.count()), ".", padded_number((all - seconds).count(), 6), "+00:00");
}

Result<std::int64_t> parse_extended_date(std::string_view text) {
  const auto day = TRY(take_day(text));
  TRY(take_mark(text, 'T'));
  const auto seconds = TRY(take_time(text));
  const auto micros = TRY(take_fraction(text));
  const auto offset = TRY(take_offset(text));
  return ((day.time_since_epoch().count() + seconds - offset) * kMicros) + micros;
}

Result<std::int64_t> parse_date(std::string_view text) {
  if (text.starts_with("0x")) {
    return parse_number(text, 0, std::numeric_limits<std::int64_t>::max());
  }
  const std::chrono::microseconds all(TRY(parse_extended_date(text)));
  return std::chrono::floor<std::chrono::seconds>(all).count();
}

Result<std::int64_t> parse_number(std::string_view text, std::int64_t low, std::int64_t high) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hex ? text.substr(2) : text;
  std::int64_t value = 0;
  if (hex) {
    std::uint64_t bits = 0;
    if (!all_of_number(digits, bits, 16)) return no_value("number", text);
    value = static_cast<std::int64_t>(bits);
  } else if (!all_of_number(digits, value, 10)) {
    return no_value("number", text);
  }
  if (value < low || value > high) {
    return fail(ErrorCode::kInvalidArgument, concat(text, " is not between ", low, " and ", high));
  }
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return no_value("boolean", text);
}

}  // namespace tapewarden::kmip::encoding

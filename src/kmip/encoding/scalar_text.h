// Values of TTLV items as the text that the XML and JSON encodings share (KMIP Profiles 2.1 sections 5.4.1
// and 5.5.1): names instead of numbers where the specification has names, dates as ISO 8601, bytes as hex.
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "kmip/names.h"
#include "ttlv/item.h"

namespace tapewarden::kmip::encoding {

// What the numbers of an item are called, which for an Attribute Value of KMIP 1.x rests on the Attribute
// Name beside it.
class ValueNames {
 public:
  // For an item of that tag; `attribute`: the Attribute Name that came before it in the same structure, or
  // "".
  ValueNames(ttlv::Tag tag, std::string_view attribute);

  // The name of an enumerated value, or 0x and eight digits.
  std::string enumeration_text(std::uint32_t value) const;
  // A name, or a number after 0x. kInvalidArgument.
  Result<std::uint32_t> parse_enumeration(std::string_view text) const;
  // Names of the bits between separators where there are such, else a number.
  std::string integer_text(std::int32_t value, char separator) const;
  // kInvalidArgument.
  Result<std::int32_t> parse_integer(std::string_view text, char separator) const;

 private:
  bool names_tags_ = false;  // an Attribute Reference
  const NamedValues* values_ = nullptr;
};

// "2026-11-21T13:05:00+00:00"; with microseconds after the seconds when `extended`.
std::string date_text(std::int64_t seconds);
std::string extended_date_text(std::int64_t microseconds);
// Any offset from UTC, or Z. kInvalidArgument.
Result<std::int64_t> parse_date(std::string_view text);           // seconds since 1970
Result<std::int64_t> parse_extended_date(std::string_view text);  // microseconds since 1970

// Decimal, or hex after 0x. kInvalidArgument.
Result<std::int64_t> parse_number(std::string_view text, std::int64_t low, std::int64_t high);
Result<bool> parse_boolean(std::string_view text);  // "true", "false", "1", "0"

}  // namespace tapewarden::kmip::encoding

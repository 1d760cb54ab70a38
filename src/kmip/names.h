// The names of KMIP's tags and enumerated values as the XML and JSON encodings write them (KMIP Profiles 2.1
// sections 5.5.1 and 5.4.1: the words of the specification's tables run together). Constants; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ttlv/item.h"

namespace tapewarden::kmip {

// "ActivationDate"; empty for a tag that no version has.
std::string_view tag_name(ttlv::Tag tag);
// Nothing: no tag has that name.
std::optional<ttlv::Tag> tag_of(std::string_view name);

struct NamedValue {
  std::string_view name;
  std::uint32_t value;
};

struct NamedValues {
  std::string_view name;  // of the enumeration
  std::span<const NamedValue> values;
  bool is_mask = false;  // an Integer whose bits the values are
};

// What the values of items with that tag are called; nullptr: numbers have no names there, or those of what
// another item names (an Attribute Value of KMIP 1.x).
const NamedValues* values_of(ttlv::Tag tag);

// Empty when the value has no name.
std::string_view value_name(const NamedValues& values, std::uint32_t value);
std::optional<std::uint32_t> value_of(const NamedValues& values, std::string_view name);

// For messages: the value's name, or its number in hex.
std::string value_text(ttlv::Tag tag, std::uint32_t value);

}  // namespace tapewarden::kmip

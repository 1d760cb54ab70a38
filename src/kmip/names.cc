#include "kmip/names.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/concat.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

struct NamedTag {
  std::string_view name;
  ttlv::Tag tag;
};

constexpr NamedTag kTags[] = {
#define TW_KMIP_TAG(name, value) {#name, tag::k##name},
#include "kmip/tag_list.inc"
#undef TW_KMIP_TAG
};
static_assert(std::ranges::is_sorted(kTags, {}, &NamedTag::tag));

#define TW_KMIP_ENUMERATION_BEGIN(name) constexpr NamedValue kValuesOf##name[] = {
#define TW_KMIP_VALUE(name, value) {#name, value},
#define TW_KMIP_ENUMERATION_END(name) \
  }                                   \
  ;
#include "kmip/enumeration_list.inc"
#undef TW_KMIP_ENUMERATION_BEGIN
#undef TW_KMIP_VALUE
#undef TW_KMIP_ENUMERATION_END

constexpr NamedValues kEnumerations[] = {
#define TW_KMIP_ENUMERATION_BEGIN(name) {#name, kValuesOf##name, std::string_view(#name).ends_with("Mask")},
#define TW_KMIP_VALUE(name, value)
#define TW_KMIP_ENUMERATION_END(name)
#include "kmip/enumeration_list.inc"
#undef TW_KMIP_ENUMERATION_BEGIN
#undef TW_KMIP_VALUE
#undef TW_KMIP_ENUMERATION_END
};

// Tags whose values are those of an enumeration of another name.
struct Borrowed {
  ttlv::Tag tag;
  std::string_view enumeration;
};
constexpr Borrowed kBorrowed[] = {
    {tag::kMaskGeneratorHashingAlgorithm, "HashingAlgorithm"},
    {tag::kObjectTypes, "ObjectType"},
    {tag::kProtectionStorageMasks, "ProtectionStorageMask"},
    {tag::kCommonProtectionStorageMasks, "ProtectionStorageMask"},
    {tag::kPrivateProtectionStorageMasks, "ProtectionStorageMask"},
    {tag::kPublicProtectionStorageMasks, "ProtectionStorageMask"},
};

const NamedValues* enumeration(std::string_view name) {
  const auto* found = std::ranges::find(kEnumerations, name, &NamedValues::name);
  return found != std::end(kEnumerations) ? found : nullptr;
}

using Directory = std::unordered_map<std::uint32_t, const NamedValues*>;

Directory make_directory() {
  Directory out;
  for (const auto& entry : kTags) {
    if (const auto* values = enumeration(entry.name)) {
      out.emplace(static_cast<std::uint32_t>(entry.tag), values);
    }
  }
  for (const auto& entry : kBorrowed) {
    out.emplace(static_cast<std::uint32_t>(entry.tag), enumeration(entry.enumeration));
  }
  return out;
}

}  // namespace

std::string_view tag_name(ttlv::Tag tag) {
  const auto* found = std::ranges::lower_bound(kTags, tag, {}, &NamedTag::tag);
  return found != std::end(kTags) && found->tag == tag ? found->name : std::string_view();
}

std::optional<ttlv::Tag> tag_of(std::string_view name) {
  static const auto kByName = [] {
    std::unordered_map<std::string_view, ttlv::Tag> out;
    for (const auto& entry : kTags) out.emplace(entry.name, entry.tag);
    return out;
  }();
  const auto found = kByName.find(name);
  if (found == kByName.end()) return std::nullopt;
  return found->second;
}

const NamedValues* values_of(ttlv::Tag tag) {
  static const Directory kDirectory = make_directory();
  const auto found = kDirectory.find(static_cast<std::uint32_t>(tag));
  return found != kDirectory.end() ? found->second : nullptr;
}

std::string_view value_name(const NamedValues& values, std::uint32_t value) {
  const auto found = std::ranges::find(values.values, value, &NamedValue::value);
  return found != values.values.end() ? found->name : std::string_view();
}

std::optional<std::uint32_t> value_of(const NamedValues& values, std::string_view name) {
  const auto found = std::ranges::find(values.values, name, &NamedValue::name);
  if (found == values.values.end()) return std::nullopt;
  return found->value;
}

std::string value_text(ttlv::Tag tag, std::uint32_t value) {
  const auto* values = values_of(tag);
  const auto name = values != nullptr ? value_name(*values, value) : std::string_view();
  return name.empty() ? concat("0x", hex_number(value, 8)) : std::string(name);
}

}  // namespace tapewarden::kmip

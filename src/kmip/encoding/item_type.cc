#include "kmip/encoding/item_type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tapewarden::kmip::encoding {
namespace {

using Named = std::pair<ttlv::Type, std::string_view>;
constexpr auto kTypes = std::to_array<Named>({
    {ttlv::Type::kStructure, "Structure"},
    {ttlv::Type::kInteger, "Integer"},
    {ttlv::Type::kLongInteger, "LongInteger"},
    {ttlv::Type::kBigInteger, "BigInteger"},
    {ttlv::Type::kEnumeration, "Enumeration"},
    {ttlv::Type::kBoolean, "Boolean"},
    {ttlv::Type::kTextString, "TextString"},
    {ttlv::Type::kByteString, "ByteString"},
    {ttlv::Type::kDateTime, "DateTime"},
    {ttlv::Type::kInterval, "Interval"},
    {ttlv::Type::kDateTimeExtended, "DateTimeExtended"},
});

}  // namespace

std::string_view type_name(ttlv::Type type) {
  return std::ranges::find(kTypes, type, &Named::first)->second;
}

std::optional<ttlv::Type> type_of(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &Named::second);
  if (found == kTypes.end()) return std::nullopt;
  return found->first;
}

}  // namespace tapewarden::kmip::encoding

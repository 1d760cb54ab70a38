#include "kmip/attribute_shapes.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/concat.h"
#include "kmip/limits.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Tag;
using ttlv::Type;

struct Field {
  Tag tag;
  Type type;
  bool required = false;
};
constexpr bool kRequired = true;

constexpr Field kNameFields[] = {{tag::kNameValue, Type::kTextString, kRequired},
                                 {tag::kNameType, Type::kEnumeration, kRequired}};
constexpr Field kAlternativeNameFields[] = {{tag::kAlternativeNameValue, Type::kTextString, kRequired},
                                            {tag::kAlternativeNameType, Type::kEnumeration, kRequired}};
// Application Data may be left to the server (Specification 1.4 section 3.36).
constexpr Field kApplicationFields[] = {{tag::kApplicationNamespace, Type::kTextString, kRequired},
                                        {tag::kApplicationData, Type::kTextString}};
constexpr Field kParameterFields[] = {{tag::kBlockCipherMode, Type::kEnumeration},
                                      {tag::kPaddingMethod, Type::kEnumeration},
                                      {tag::kHashingAlgorithm, Type::kEnumeration},
                                      {tag::kKeyRoleType, Type::kEnumeration},
                                      {tag::kDigitalSignatureAlgorithm, Type::kEnumeration},
                                      {tag::kCryptographicAlgorithm, Type::kEnumeration},
                                      {tag::kRandomIV, Type::kBoolean},
                                      {tag::kIVLength, Type::kInteger},
                                      {tag::kTagLength, Type::kInteger},
                                      {tag::kFixedFieldLength, Type::kInteger},
                                      {tag::kInvocationFieldLength, Type::kInteger},
                                      {tag::kCounterLength, Type::kInteger},
                                      {tag::kInitialCounterValue, Type::kInteger},
                                      {tag::kSaltLength, Type::kInteger},
                                      {tag::kMaskGenerator, Type::kEnumeration},
                                      {tag::kMaskGeneratorHashingAlgorithm, Type::kEnumeration},
                                      {tag::kPSource, Type::kByteString},
                                      {tag::kTrailerField, Type::kInteger}};
constexpr Field kDomainFields[] = {{tag::kQlength, Type::kInteger},
                                   {tag::kRecommendedCurve, Type::kEnumeration}};
constexpr Field kUsageFields[] = {{tag::kUsageLimitsTotal, Type::kLongInteger, kRequired},
                                  {tag::kUsageLimitsCount, Type::kLongInteger},
                                  {tag::kUsageLimitsUnit, Type::kEnumeration, kRequired}};
constexpr Field kLinkFields[] = {{tag::kLinkType, Type::kEnumeration, kRequired},
                                 {tag::kLinkedObjectIdentifier, Type::kTextString, kRequired}};
constexpr Field kLocationFields[] = {{tag::kKeyValueLocationValue, Type::kTextString, kRequired},
                                     {tag::kKeyValueLocationType, Type::kEnumeration, kRequired}};
constexpr Field kRotateNameFields[] = {{tag::kRotateNameValue, Type::kTextString, kRequired},
                                       {tag::kRotateNameType, Type::kEnumeration, kRequired}};

constexpr Field kRevocationFields[] = {{tag::kRevocationReasonCode, Type::kEnumeration, kRequired},
                                       {tag::kRevocationMessage, Type::kTextString}};

struct Shape {
  Tag attribute;
  std::span<const Field> fields;
};

// Structures that a client may give; those that the server makes need no check.
constexpr Shape kShapes[] = {
    {tag::kName, kNameFields},
    {tag::kAlternativeName, kAlternativeNameFields},
    {tag::kApplicationSpecificInformation, kApplicationFields},
    {tag::kCryptographicParameters, kParameterFields},
    {tag::kCryptographicDomainParameters, kDomainFields},
    {tag::kUsageLimits, kUsageFields},
    {tag::kLink, kLinkFields},
    {tag::kKeyValueLocation, kLocationFields},
    {tag::kRotateName, kRotateNameFields},
    {tag::kRevocationReason, kRevocationFields},
};

std::string name_of(Tag tag) {
  const auto name = tag_name(tag);
  return name.empty() ? ttlv::tag_text(tag) : std::string(name);
}

std::unexpected<Error> wrong(const AttributeKind& kind, Tag field, std::string_view what) {
  return refuse(ResultReason::kInvalidField, concat(kind.name, ": ", name_of(field), " ", what),
                name_of(field));
}

Status check_length(const AttributeKind& kind, const Item& item) {
  if (!item.is_structure() && item.value().size() > kMaximumTextBytes) {
    return wrong(kind, item.tag(), concat("is longer than ", kMaximumTextBytes, " bytes"));
  }
  return {};
}

// A Linked Object Identifier of KMIP 2.x may be an enumeration or a number that stands for an object of the
// batch.
bool is_type(const Field& field, Type type) {
  if (field.type == type) return true;
  return field.tag == tag::kLinkedObjectIdentifier && (type == Type::kEnumeration || type == Type::kInteger);
}

enum class Missing : std::uint8_t { kRefused, kTaken };

Status check_fields(const AttributeKind& kind, std::span<const Field> fields, const Item& item,
                    Missing missing) {
  std::vector<Tag> seen;
  for (const Item child : item.children()) {
    if (std::ranges::find(seen, child.tag()) != seen.end()) {
      return wrong(kind, child.tag(), "is there more than once");
    }
    seen.push_back(child.tag());
    const auto field = std::ranges::find(fields, child.tag(), &Field::tag);
    if (field == fields.end()) return wrong(kind, child.tag(), "does not belong there");
    if (!is_type(*field, child.type())) {
      return wrong(kind, child.tag(), concat("must be a ", ttlv::to_string(field->type)));
    }
    TRY(check_length(kind, child));
  }
  for (const auto& field : fields) {
    if (missing == Missing::kTaken) break;
    if (field.required && !item.find(field.tag)) return wrong(kind, field.tag, "is missing");
  }
  return {};
}

const Shape* shape_of(const AttributeKind& kind) {
  const auto* found = std::ranges::find(kShapes, kind.tag, &Shape::attribute);
  return found != std::end(kShapes) ? found : nullptr;
}

Status check_item(const AttributeKind& kind, const Item& item, Missing missing) {
  if (item.type() != kind.type) {
    return refuse(ResultReason::kInvalidField,
                  concat(kind.name, " must be a ", ttlv::to_string(kind.type), ", and is a ",
                         ttlv::to_string(item.type())),
                  std::string(kind.name));
  }
  TRY(check_length(kind, item));
  const auto* shape = shape_of(kind);
  return shape != nullptr ? check_fields(kind, shape->fields, item, missing) : Status();
}

}  // namespace

Status check_shape(const AttributeKind& kind, const Item& item) {
  return check_item(kind, item, Missing::kRefused);
}

Status check_searched_shape(const AttributeKind& kind, const Item& item) {
  return check_item(kind, item, Missing::kTaken);
}

bool has_every_field(const AttributeKind& kind, const Item& item) {
  if (!item.is_structure()) return true;
  const auto* shape = shape_of(kind);
  return shape != nullptr && std::ranges::all_of(shape->fields, [&](const Field& field) {
           return item.find(field.tag).has_value();
         });
}

Status check_vendor_value(const Item& item) {
  if (item.value().size() > kMaximumTextBytes) {
    return refuse(ResultReason::kInvalidField,
                  concat("a vendor attribute's value is longer than ", kMaximumTextBytes, " bytes"),
                  "Attribute Value");
  }
  for (const Item child : item.children()) {
    if (child.is_structure()) {
      return refuse(ResultReason::kInvalidField, "a vendor attribute's structure holds a structure",
                    "Attribute Value");
    }
  }
  return {};
}

}  // namespace tapewarden::kmip

#include "kmip/object_value.h"

#include <algorithm>
#include <initializer_list>

#include "base/concat.h"
#include "kmip/limits.h"
#include "kmip/names.h"
#include "kmip/tags.h"
#include "ttlv/cursor.h"

namespace tapewarden::kmip {
namespace {

using crypto::SecretBytes;
using ttlv::Item;
using ttlv::Tag;
using ttlv::Type;

struct ObjectTag {
  ObjectType type;
  Tag tag;
};
constexpr ObjectTag kTags[] = {
    {ObjectType::kCertificate, tag::kCertificate},
    {ObjectType::kSymmetricKey, tag::kSymmetricKey},
    {ObjectType::kPublicKey, tag::kPublicKey},
    {ObjectType::kPrivateKey, tag::kPrivateKey},
    {ObjectType::kSplitKey, tag::kSplitKey},
    {ObjectType::kTemplate, tag::kTemplate},
    {ObjectType::kSecretData, tag::kSecretData},
    {ObjectType::kOpaqueObject, tag::kOpaqueObject},
    {ObjectType::kPGPKey, tag::kPGPKey},
    {ObjectType::kCertificateRequest, tag::kCertificateRequest},
};

struct Field {
  Tag tag;
  Type type;
  bool required = true;
};
constexpr bool kOptional = false;

constexpr Field kCertificateFields[] = {{tag::kCertificateType, Type::kEnumeration},
                                        {tag::kCertificateValue, Type::kByteString}};
constexpr Field kKeyFields[] = {{tag::kKeyBlock, Type::kStructure}};
constexpr Field kSplitKeyFields[] = {{tag::kSplitKeyParts, Type::kInteger},
                                     {tag::kKeyPartIdentifier, Type::kInteger},
                                     {tag::kSplitKeyThreshold, Type::kInteger},
                                     {tag::kSplitKeyMethod, Type::kEnumeration},
                                     {tag::kPrimeFieldSize, Type::kBigInteger, kOptional},
                                     {tag::kKeyBlock, Type::kStructure}};
constexpr Field kSecretDataFields[] = {{tag::kSecretDataType, Type::kEnumeration},
                                       {tag::kKeyBlock, Type::kStructure}};
constexpr Field kOpaqueFields[] = {{tag::kOpaqueDataType, Type::kEnumeration},
                                   {tag::kOpaqueDataValue, Type::kByteString}};
constexpr Field kPgpFields[] = {{tag::kPGPKeyVersion, Type::kInteger}, {tag::kKeyBlock, Type::kStructure}};
constexpr Field kRequestFields[] = {{tag::kCertificateRequestType, Type::kEnumeration},
                                    {tag::kCertificateRequestValue, Type::kByteString}};
constexpr Field kKeyBlockFields[] = {{tag::kKeyFormatType, Type::kEnumeration},
                                     {tag::kKeyCompressionType, Type::kEnumeration, kOptional},
                                     {tag::kKeyValue, Type::kStructure},  // a Byte String where it is wrapped
                                     {tag::kCryptographicAlgorithm, Type::kEnumeration, kOptional},
                                     {tag::kCryptographicLength, Type::kInteger, kOptional},
                                     {tag::kKeyWrappingData, Type::kStructure, kOptional}};

std::span<const Field> fields_of(ObjectType type) {
  switch (type) {
    case ObjectType::kCertificate:
      return kCertificateFields;
    case ObjectType::kSplitKey:
      return kSplitKeyFields;
    case ObjectType::kSecretData:
      return kSecretDataFields;
    case ObjectType::kOpaqueObject:
      return kOpaqueFields;
    case ObjectType::kPGPKey:
      return kPgpFields;
    case ObjectType::kCertificateRequest:
      return kRequestFields;
    default:
      return kKeyFields;
  }
}

std::unexpected<Error> wrong(const Item& structure, Tag field, std::string_view what) {
  const std::string name(tag_name(field));
  return refuse(ResultReason::kInvalidMessage, concat(structure.name(), ": ", name, " ", what), name);
}

// The structure has these fields and no others, in any order.
Status check_fields(const Item& structure, std::span<const Field> fields) {
  for (const Item child : structure.children()) {
    const auto field = std::ranges::find(fields, child.tag(), &Field::tag);
    if (field == fields.end()) {
      return refuse(ResultReason::kInvalidMessage,
                    concat(structure.name(), ": ", child.name(), " does not belong there"), child.name());
    }
    const bool is_wrapped_value = field->tag == tag::kKeyValue && child.type() == Type::kByteString;
    if (child.type() != field->type && !is_wrapped_value) {
      return wrong(structure, field->tag, concat("must be a ", ttlv::to_string(field->type)));
    }
  }
  for (const auto& field : fields) {
    if (field.required && !structure.find(field.tag)) return wrong(structure, field.tag, "is missing");
  }
  return {};
}

// The item without the child of that tag, one level below it or two.
void write_without(ttlv::Writer& out, const Item& item, Tag left_out) {
  if (!item.is_structure()) {
    out.add_encoded(item.encoding());
    return;
  }
  out.begin(item.tag());
  for (const Item child : item.children()) {
    if (child.tag() == left_out) continue;
    if (child.tag() == tag::kKeyBlock) {
      write_without(out, child, left_out);
    } else {
      out.add_encoded(child.encoding());
    }
  }
  out.end();
}

bool is_transparent(KeyFormatType format) {
  const auto value = static_cast<std::uint32_t>(format);
  return value >= static_cast<std::uint32_t>(KeyFormatType::kTransparentSymmetricKey) &&
         value <= static_cast<std::uint32_t>(KeyFormatType::kTransparentECPublicKey);
}

Result<SecretBytes> read_key_value(const Item& block) {
  const auto value = *block.find(tag::kKeyValue);
  const bool wrapped = block.find(tag::kKeyWrappingData).has_value();
  if (!value.is_structure()) {
    if (!wrapped) return wrong(block, tag::kKeyValue, "is encrypted, and Key Wrapping Data is missing");
    return SecretBytes::copy_of(value.encoding());
  }
  const auto material = value.find(tag::kKeyMaterial);
  if (!material) return wrong(value, tag::kKeyMaterial, "is missing");
  const auto format = KeyFormatType(TRY(block.find(tag::kKeyFormatType)->as_enumeration()));
  const auto expected = is_transparent(format) && !wrapped ? Type::kStructure : Type::kByteString;
  if (material->type() != expected) {
    return wrong(value, tag::kKeyMaterial,
                 concat("must be a ", ttlv::to_string(expected), " in the format ",
                        value_text(tag::kKeyFormatType, static_cast<std::uint32_t>(format))));
  }
  if (material->value().empty()) return wrong(value, tag::kKeyMaterial, "is empty");
  return key_value_of_item(material->encoding());
}

}  // namespace

std::optional<Tag> tag_of_object(std::uint32_t type) {
  const auto* found = std::ranges::find(kTags, ObjectType(type), &ObjectTag::type);
  return found != std::end(kTags) ? std::optional(found->tag) : std::nullopt;
}

Result<ObjectValue> read_object(ObjectType type, const Item& object) {
  if (!object.is_structure()) {
    return refuse(ResultReason::kInvalidMessage, concat(object.name(), " must be a structure"),
                  object.name());
  }
  if (object.encoding().size() > kMaximumObjectBytes) {
    return refuse(ResultReason::kServerLimitExceeded,
                  concat("the object is larger than ", kMaximumObjectBytes, " bytes"), object.name());
  }
  ObjectValue out;
  if (type == ObjectType::kTemplate) {
    out.content = to_bytes(object.encoding());
    return out;
  }
  TRY(check_fields(object, fields_of(type)));
  ttlv::Writer content;
  Tag left_out{};
  if (const auto block = object.find(tag::kKeyBlock)) {
    TRY(check_fields(*block, kKeyBlockFields));
    out.secret = TRY(read_key_value(*block));
    left_out = tag::kKeyValue;
  } else if (const auto opaque = object.find(tag::kOpaqueDataValue)) {
    out.secret = SecretBytes::copy_of(opaque->encoding());
    left_out = tag::kOpaqueDataValue;
  }
  write_without(content, object, left_out);
  out.content = content.take();
  return out;
}

namespace {

// The fields in the specification's order.
void write_block(ttlv::Writer& out, const Item& block, const KeyForm& form) {
  out.begin(tag::kKeyBlock);
  out.add_enumeration(tag::kKeyFormatType, form.format);
  if (const auto item = block.find(tag::kKeyCompressionType)) out.add_encoded(item->encoding());
  out.add_encoded(form.key_value);
  for (const auto field : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto item = block.find(field)) out.add_encoded(item->encoding());
  }
  out.add_encoded(form.wrapping_data);
  out.end();
}

}  // namespace

void write_key(ttlv::Writer& out, ByteView content, const KeyForm& form) {
  const auto document = ttlv::decode(content);
  if (!document) return;  // this program encoded it
  const auto object = document->root();
  out.begin(object.tag());
  for (const Item child : object.children()) {
    if (child.tag() == tag::kKeyBlock) {
      write_block(out, child, form);
    } else {
      out.add_encoded(child.encoding());
    }
  }
  out.end();
}

void write_object(ttlv::Writer& out, ByteView content, ByteView secret) {
  const auto document = ttlv::decode(content);
  if (!document) return;  // this program encoded it
  const auto object = document->root();
  if (const auto terms = key_block_terms(object)) {
    const auto wrapping = object.find(tag::kKeyBlock)->find(tag::kKeyWrappingData);
    return write_key(out, content, {terms->format, secret, wrapping ? wrapping->encoding() : ByteView()});
  }
  out.begin(object.tag());
  for (const Item child : object.children()) out.add_encoded(child.encoding());
  if (object.tag() == tag::kOpaqueObject) out.add_encoded(secret);
  out.end();
}

std::optional<KeyBlockTerms> key_block_terms(const Item& object) {
  const auto block = object.find(tag::kKeyBlock);
  const auto format = block ? block->find(tag::kKeyFormatType) : std::nullopt;
  if (!format) return std::nullopt;
  KeyBlockTerms out;
  out.format = KeyFormatType(format->as_enumeration().value_or(0));
  if (const auto item = block->find(tag::kCryptographicAlgorithm)) {
    if (const auto value = item->as_enumeration()) out.algorithm = *value;
  }
  if (const auto item = block->find(tag::kCryptographicLength)) {
    if (const auto value = item->as_integer()) out.bits = *value;
  }
  out.wrapped = block->find(tag::kKeyWrappingData).has_value();
  return out;
}

SecretBytes key_value_of_bytes(ByteView material) {
  auto encoded = ttlv::Writer().begin(tag::kKeyValue).add_bytes(tag::kKeyMaterial, material).end().take();
  auto out = SecretBytes::copy_of(encoded);
  crypto::wipe(encoded);
  return out;
}

SecretBytes key_value_of_item(ByteView material_item) {
  auto encoded = ttlv::Writer().begin(tag::kKeyValue).add_encoded(material_item).end().take();
  auto out = SecretBytes::copy_of(encoded);
  crypto::wipe(encoded);
  return out;
}

}  // namespace tapewarden::kmip

// Get (Specification 1.4 section 4.11, 2.1 section 6.1.20).
#include "base/concat.h"
#include "kmip/attributes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;

Result<KeyFormatType> wanted_format(const ttlv::Item& payload) {
  const auto item = payload.find(tag::kKeyFormatType);
  if (!item) return KeyFormatType::kRaw;
  const auto format = KeyFormatType(TRY(item->as_enumeration()));
  if (format == KeyFormatType::kRaw || format == KeyFormatType::kTransparentSymmetricKey) return format;
  return refuse(ResultReason::kKeyFormatTypeNotSupported, "a symmetric key comes raw or transparent",
                "Key Format Type");
}

Status check_may_leave(const ManagedObject& object) {
  const auto flag = [&](ttlv::Tag tag) { return boolean_of(object.attributes.find(AttributeId::of(tag))); };
  if (flag(tag::kSensitive).value_or(false)) {
    return refuse(ResultReason::kSensitive, "the key is sensitive: it leaves only wrapped");
  }
  if (!flag(tag::kExtractable).value_or(true)) {
    return refuse(ResultReason::kNotExtractable, "the key does not leave the server");
  }
  return {};
}

void write_key(const ManagedObject& object, const crypto::SecretBytes& secret, KeyFormatType format,
               ttlv::Writer& out) {
  out.begin(tag::kSymmetricKey).begin(tag::kKeyBlock);
  out.add_enumeration(tag::kKeyFormatType, format);
  out.begin(tag::kKeyValue);
  if (format == KeyFormatType::kRaw) {
    out.add_bytes(tag::kKeyMaterial, secret.reveal());
  } else {
    out.begin(tag::kKeyMaterial).add_bytes(tag::kKey, secret.reveal()).end();
  }
  out.end();
  for (const auto tag : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto* value = object.attributes.find(AttributeId::of(tag))) out.add_encoded(value->item);
  }
  out.end().end();
}

}  // namespace

Status get(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kKeyFormatType, tag::kKeyWrapType,
                             tag::kKeyCompressionType, tag::kKeyWrappingSpecification}));
  const auto object = TRY(named_object(context, payload, true));
  if (payload.find(tag::kKeyWrappingSpecification)) {
    return refuse(ResultReason::kFeatureNotSupported, "keys are not wrapped here",
                  "Key Wrapping Specification");
  }
  const auto format = TRY(wanted_format(payload));
  TRY(check_may_leave(object));
  const auto secret = TRY(context.objects.open(context.reader, object));
  out.add_enumeration(tag::kObjectType, object.type);
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  write_key(object, secret, format, out);
  context.serves_a_key = true;
  context.served.push_back(object.id);
  return {};
}

}  // namespace tapewarden::kmip

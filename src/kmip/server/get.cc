// Get (Specification 1.4 section 4.11, 2.1 section 6.1.20).
#include "base/concat.h"
#include "kmip/object_value.h"
#include "kmip/server/asymmetric_material.h"
#include "kmip/server/key_access.h"
#include "kmip/server/key_wrapping.h"
#include "kmip/server/operations.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::SecretBytes;
using keymgr::ManagedObject;
using ttlv::Item;

std::unexpected<Error> no_such_format() {
  return refuse(ResultReason::kKeyFormatTypeNotSupported, "the object has no such form", "Key Format Type");
}

Result<SecretBytes> symmetric_in(const OpenedKey& key, KeyFormatType format) {
  const auto bytes = TRY(bytes_of(key));
  if (format == KeyFormatType::kRaw) return key_value_of_bytes(bytes.reveal());
  if (format != KeyFormatType::kTransparentSymmetricKey) return no_such_format();
  auto item = ttlv::Writer().begin(tag::kKeyMaterial).add_bytes(tag::kKey, bytes.reveal()).end().take();
  auto out = key_value_of_item(item);
  crypto::wipe(item);
  return out;
}

// The key in another of its forms.
Result<SecretBytes> value_in(const OpenedKey& key, ObjectType type, KeyFormatType format) {
  if (type == ObjectType::kSymmetricKey) return symmetric_in(key, format);
  if (type != ObjectType::kPublicKey && type != ObjectType::kPrivateKey) return no_such_format();
  const auto parsed = TRY(asymmetric_of(key, type));
  const auto material = TRY(write_asymmetric(parsed, format, type == ObjectType::kPrivateKey));
  return key_value_of_item(material.reveal());
}

Result<bool> wants_plain(const Item& payload) {
  const auto item = payload.find(tag::kKeyWrapType);
  if (!item) return false;
  const auto value = KeyWrapType(TRY(item->as_enumeration()));
  if (value == KeyWrapType::kNotWrapped) return true;
  if (value == KeyWrapType::kAsRegistered) return false;
  return refuse(ResultReason::kKeyWrapTypeNotSupported, "there is no such type", "Key Wrap Type");
}

Status convert(OpenedKey& key, ObjectType type, const Item& payload) {
  const auto item = payload.find(tag::kKeyFormatType);
  if (!item) return {};
  const auto format = KeyFormatType(TRY(item->as_enumeration()));
  if (format == key.terms.format) return {};
  if (key.terms.wrapped) return no_such_format();
  key.value = TRY(value_in(key, type, format));
  key.terms.format = format;
  return {};
}

Status write_opened(OperationContext& context, const ManagedObject& object, const Item& payload,
                    ByteView content, const KeyBlockTerms& terms, ttlv::Writer& out) {
  const bool plain = TRY(wants_plain(payload));
  auto key = plain ? TRY(open_plain_key(context, object)) : TRY(open_key(context, object, terms));
  TRY(convert(key, object.type, payload));
  const auto specification = payload.find(tag::kKeyWrappingSpecification);
  TRY(check_may_leave(object, specification.has_value() || key.terms.wrapped));
  if (specification) {
    const auto wrapped = TRY(wrap_key_value(context, *specification, key));
    write_key(out, content, {key.terms.format, wrapped.value.reveal(), wrapped.data});
    return {};
  }
  Bytes wrapping;
  if (key.terms.wrapped) {
    const auto document = TRY(ttlv::decode(content));
    wrapping = to_bytes(document.root().find(tag::kKeyBlock)->find(tag::kKeyWrappingData)->encoding());
  }
  write_key(out, content, {key.terms.format, key.value.reveal(), wrapping});
  return {};
}

}  // namespace

Status write_object_of(OperationContext& context, const ManagedObject& object, const Item& payload,
                       ttlv::Writer& out) {
  TRY(begin_read(context, object));
  TRY(check_private_may_leave(context, object));
  const auto content = TRY(content_of(object));
  const auto document = TRY(ttlv::decode(content));
  if (const auto terms = key_block_terms(document.root())) {
    return write_opened(context, object, payload, content, *terms, out);
  }
  for (const auto tag : {tag::kKeyWrappingSpecification, tag::kKeyFormatType}) {
    const bool x509 = object.type == ObjectType::kCertificate && tag == tag::kKeyFormatType;
    if (payload.find(tag) && !x509) return no_such_format();
  }
  TRY(check_may_leave(object, false));
  const auto secret = TRY(context.objects.open(context.reader, object));
  write_object(out, content, secret.reveal());
  return {};
}

Status get(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kKeyFormatType, tag::kKeyWrapType,
                             tag::kKeyCompressionType, tag::kKeyWrappingSpecification}));
  const auto object = TRY(named_object(context, payload, true));
  if (payload.find(tag::kKeyCompressionType)) {
    return refuse(ResultReason::kKeyCompressionTypeNotSupported, "keys come as they are",
                  "Key Compression Type");
  }
  out.add_enumeration(tag::kObjectType, object.type);
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  TRY(write_object_of(context, object, payload, out));
  note_served(context, object);
  return {};
}

}  // namespace tapewarden::kmip

// Import and Export (Specification 1.4 sections 4.45 and 4.46, 2.1 sections 6.1.24 and 6.1.19): an object
// with all its attributes. Export is for clients that an officer allowed it to.
#include "kmip/attribute_wire.h"
#include "kmip/server/new_object.h"
#include "kmip/server/object_attributes.h"
#include "kmip/server/operations.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;

Result<bool> wants_replacing(const Item& payload) {
  const auto item = payload.find(tag::kReplaceExisting);
  return item ? item->as_boolean() : Result<bool>(false);
}

}  // namespace

// An import is a registration under the identifier that the object has elsewhere.
Status import_object(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  const auto name = payload.find(tag::kUniqueIdentifier);
  if (!name) return refuse(ResultReason::kInvalidMessage, "it is missing", "Unique Identifier");
  const auto id = Uuid::parse(TRY(name->as_text()));
  if (!id) {
    return refuse(ResultReason::kInvalidField, "identifiers are UUIDs here", "Unique Identifier");
  }
  TRY(begin_write(context, {}));
  if (TRY(wants_replacing(payload))) {
    return refuse(ResultReason::kFeatureNotSupported, "no object is overwritten: destroy it first",
                  "Replace Existing");
  }
  if (TRY(context.objects.find(context.reader, *id))) {
    return refuse(ResultReason::kObjectAlreadyExists, "there is an object of this identifier",
                  "Unique Identifier");
  }
  crypto::SecretBytes secret;
  auto object = TRY(read_new_object(context, payload, GivenBy::kOtherServer, secret));
  object.id = *id;
  object = TRY(context.objects.add(*context.transaction, std::move(object), secret));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  context.placeholder = object.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

Status export_object(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kKeyFormatType, tag::kKeyWrapType,
                             tag::kKeyCompressionType, tag::kKeyWrappingSpecification}));
  const auto object = TRY(named_object(context, payload, false));
  if (!context.client.may_export) {
    return refuse(ResultReason::kPermissionDenied, "an officer has not allowed this client to export");
  }
  auto all = TRY(all_attributes(context.reader, context.objects, object, context.settings));
  TRY(add_digest(all, context.reader, context.objects, object));
  out.add_enumeration(tag::kObjectType, object.type);
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  if (context.version.is_2()) out.begin(tag::kAttributes);
  for (const auto& attribute : all.all()) write_attribute(out, attribute, context.version);
  if (context.version.is_2()) out.end();
  // Of what was destroyed the attributes are left.
  if (TRY(context.objects.is_gone(context.reader, object))) return {};
  TRY(write_object_of(context, object, payload, out));
  note_served(context, object);
  return {};
}

}  // namespace tapewarden::kmip

// Create (Specification 1.4 section 4.1, 2.1 section 6.1.8).
#include "kmip/server/operations.h"
#include "kmip/server/symmetric_key.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {

Status create(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(
      payload, {tag::kObjectType, tag::kTemplateAttribute, tag::kAttributes, tag::kProtectionStorageMasks}));
  const auto type = payload.find(tag::kObjectType);
  if (!type) return refuse(ResultReason::kInvalidMessage, "it is missing", "Object Type");
  if (TRY(type->as_enumeration()) != static_cast<std::uint32_t>(ObjectType::kSymmetricKey)) {
    return refuse(ResultReason::kInvalidObjectType, "Create makes symmetric keys", "Object Type");
  }
  auto attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  const auto object = TRY(make_symmetric_key(context, std::move(attributes)));
  context.placeholder = object.id;
  out.add_enumeration(tag::kObjectType, ObjectType::kSymmetricKey);
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

// Re-key and Re-key Key Pair (Specification 1.4 sections 4.4 and 4.5, 2.1 sections 6.1.44 and 6.1.45).
#include "kmip/server/key_pair.h"
#include "kmip/server/operations.h"
#include "kmip/server/replacement.h"
#include "kmip/server/symmetric_key.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::KeyState;
using keymgr::ManagedObject;

Status check_replaceable(OperationContext& context, const ManagedObject& object, ObjectType type) {
  if (object.type != type) {
    return refuse(ResultReason::kIllegalObjectType, "the object is not of the type that this replaces",
                  "Unique Identifier");
  }
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state == KeyState::kPreActive || state == KeyState::kActive || state == KeyState::kDeactivated)
    return {};
  return refuse(ResultReason::kWrongKeyLifecycleState, "a compromised key is replaced by a new one", "State");
}

// The other half of a pair.
Result<ManagedObject> linked(OperationContext& context, const ManagedObject& object, LinkType type) {
  for (const auto* link : object.attributes.find_all(AttributeId::of(tag::kLink))) {
    const auto document = TRY(ttlv::decode(link->item));
    const auto kind = document.root().find(tag::kLinkType);
    const auto id = document.root().find(tag::kLinkedObjectIdentifier);
    if (!kind || !id || TRY(kind->as_enumeration()) != static_cast<std::uint32_t>(type)) continue;
    const auto parsed = Uuid::parse(TRY(id->as_text()));
    auto found = parsed ? TRY(context.objects.find(context.reader, *parsed)) : std::nullopt;
    if (found && found->owner == object.owner) return *std::move(found);
  }
  return refuse(ResultReason::kItemNotFound, "the private key has no public key", "Link");
}

}  // namespace

Result<DrawingWork> draw_replacing_pair(OperationContext& context, const ttlv::Item& payload) {
  const auto old = TRY(object_named_by(context, payload, tag::kPrivateKeyUniqueIdentifier, true));
  TRY(check_replaceable(context, old, ObjectType::kPrivateKey));
  return work_for(old.attributes, context.settings);
}

Status re_key(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kOffset, tag::kTemplateAttribute, tag::kAttributes,
                             tag::kProtectionStorageMasks}));
  const auto old = TRY(named_object(context, payload, true));
  TRY(check_replaceable(context, old, ObjectType::kSymmetricKey));
  const auto given = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  auto attributes = TRY(attributes_for_replacement(context, old, payload, given));
  const auto released = TRY(release_names(context, old));
  const auto replacement = TRY(make_symmetric_key(context, std::move(attributes)));
  TRY(link_replacement(context, released, replacement));
  context.placeholder = replacement.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(replacement));
  return {};
}

Status re_key_key_pair(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(
      payload, {tag::kPrivateKeyUniqueIdentifier, tag::kOffset, tag::kCommonTemplateAttribute,
                tag::kPrivateKeyTemplateAttribute, tag::kPublicKeyTemplateAttribute, tag::kCommonAttributes,
                tag::kPrivateKeyAttributes, tag::kPublicKeyAttributes, tag::kCommonProtectionStorageMasks,
                tag::kPrivateProtectionStorageMasks, tag::kPublicProtectionStorageMasks}));
  const auto old_private = TRY(object_named_by(context, payload, tag::kPrivateKeyUniqueIdentifier, true));
  TRY(check_replaceable(context, old_private, ObjectType::kPrivateKey));
  const auto old_public = TRY(linked(context, old_private, LinkType::kPublicKeyLink));
  auto of_private =
      TRY(given_attributes(context, payload, tag::kPrivateKeyTemplateAttribute, tag::kPrivateKeyAttributes));
  auto of_public =
      TRY(given_attributes(context, payload, tag::kPublicKeyTemplateAttribute, tag::kPublicKeyAttributes));
  const auto common =
      TRY(given_attributes(context, payload, tag::kCommonTemplateAttribute, tag::kCommonAttributes));
  for (const auto& attribute : common.all()) {
    if (of_private.find(attribute.id) == nullptr) of_private.add(attribute.id, attribute.item);
    if (of_public.find(attribute.id) == nullptr) of_public.add(attribute.id, attribute.item);
  }
  PairWanted wanted{TRY(attributes_for_replacement(context, old_private, payload, of_private)),
                    TRY(attributes_for_replacement(context, old_public, payload, of_public))};
  const auto released_private = TRY(release_names(context, old_private));
  const auto released_public = TRY(release_names(context, old_public));
  const auto pair = TRY(make_pair(context, std::move(wanted)));
  TRY(link_replacement(context, released_private, pair.private_key));
  TRY(link_replacement(context, released_public, pair.public_key));
  context.placeholder = pair.private_key.id;
  out.add_text(tag::kPrivateKeyUniqueIdentifier, keymgr::unique_identifier(pair.private_key));
  out.add_text(tag::kPublicKeyUniqueIdentifier, keymgr::unique_identifier(pair.public_key));
  return {};
}

}  // namespace tapewarden::kmip

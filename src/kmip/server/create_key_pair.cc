// Create Key Pair (Specification 1.4 section 4.2, 2.1 section 6.1.9). The ID placeholder becomes the private
// key.
#include "kmip/server/key_pair.h"
#include "kmip/server/operations.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

// What one half is given, and of what both are given the rest.
AttributeSet merged(const AttributeSet& own, const AttributeSet& common) {
  AttributeSet out = own;
  for (const auto& attribute : common.all()) {
    if (own.find(attribute.id) == nullptr) out.add(attribute.id, attribute.item);
  }
  return out;
}

Result<PairWanted> read_wanted(const OperationContext& context, const ttlv::Item& payload) {
  const auto common =
      TRY(given_attributes(context, payload, tag::kCommonTemplateAttribute, tag::kCommonAttributes));
  const auto of_private =
      TRY(given_attributes(context, payload, tag::kPrivateKeyTemplateAttribute, tag::kPrivateKeyAttributes));
  const auto of_public =
      TRY(given_attributes(context, payload, tag::kPublicKeyTemplateAttribute, tag::kPublicKeyAttributes));
  return PairWanted{merged(of_private, common), merged(of_public, common)};
}

}  // namespace

Result<DrawingWork> draw_key_pair(OperationContext& context, const ttlv::Item& payload) {
  TRY(check_may_make(context, {}));
  return work_for(TRY(read_wanted(context, payload)).private_attributes, context.settings);
}

Status create_key_pair(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload,
                   {tag::kCommonTemplateAttribute, tag::kPrivateKeyTemplateAttribute,
                    tag::kPublicKeyTemplateAttribute, tag::kCommonAttributes, tag::kPrivateKeyAttributes,
                    tag::kPublicKeyAttributes, tag::kCommonProtectionStorageMasks,
                    tag::kPrivateProtectionStorageMasks, tag::kPublicProtectionStorageMasks}));
  const auto pair = TRY(make_pair(context, TRY(read_wanted(context, payload))));
  context.placeholder = pair.private_key.id;
  out.add_text(tag::kPrivateKeyUniqueIdentifier, keymgr::unique_identifier(pair.private_key));
  out.add_text(tag::kPublicKeyUniqueIdentifier, keymgr::unique_identifier(pair.public_key));
  return {};
}

}  // namespace tapewarden::kmip

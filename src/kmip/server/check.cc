// Check (Specification 1.4 section 4.10, 2.1 section 6.1.7): may the object be used so? What may not be is
// named in the answer's place of what was asked.
#include "kmip/attributes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

Status check_usage(const keymgr::ManagedObject& object, const ttlv::Item& payload) {
  const auto asked = payload.find(tag::kCryptographicUsageMask);
  if (!asked) return {};
  const auto wanted = TRY(asked->as_integer());
  const auto has =
      integer_of(object.attributes.find(AttributeId::of(tag::kCryptographicUsageMask))).value_or(0);
  if ((wanted & has) == wanted) return {};
  return refuse(ResultReason::kIncompatibleCryptographicUsageMask, "the object is not for that use",
                "Cryptographic Usage Mask");
}

Status check_lease(const OperationContext& context, const ttlv::Item& payload) {
  const auto asked = payload.find(tag::kLeaseTime);
  if (!asked || TRY(asked->as_interval()) <= context.settings.lease_seconds) return {};
  return refuse(ResultReason::kInvalidField, "the lease is shorter", "Lease Time");
}

Status check_limits(const keymgr::ManagedObject& object, const ttlv::Item& payload) {
  const auto asked = payload.find(tag::kUsageLimitsCount);
  const auto* limits = object.attributes.find(AttributeId::of(tag::kUsageLimits));
  if (!asked || limits == nullptr) return {};
  const auto wanted = TRY(asked->as_long_integer());
  const auto document = TRY(ttlv::decode(limits->item));
  const auto left = document.root().find(tag::kUsageLimitsCount);
  if (!left || TRY(left->as_long_integer()) >= wanted) return {};
  return refuse(ResultReason::kUsageLimitExceeded, "fewer uses are left", "Usage Limits Count");
}

}  // namespace

Status check(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kUsageLimitsCount, tag::kCryptographicUsageMask,
                             tag::kLeaseTime}));
  const auto object = TRY(named_object(context, payload, true));
  TRY(check_usage(object, payload));
  TRY(check_limits(object, payload));
  TRY(check_lease(context, payload));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

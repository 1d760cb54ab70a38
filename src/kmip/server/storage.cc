// Archive, Recover, Obtain Lease and Get Usage Allocation (Specification 1.4 sections 4.22, 4.23, 4.17
// and 4.18, 2.1 sections 6.1.5, 6.1.41, 6.1.33 and 6.1.23).
#include "kmip/server/key_access.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {

// An archived object is found and described, and its key stays in.
Status archive(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, true));
  if (object.archived != keymgr::kNever) {
    return refuse(ResultReason::kObjectArchived, "it is there already", "Unique Identifier");
  }
  auto after = object;
  after.archived = context.now();
  TRY(context.objects.change(*context.transaction, object, std::move(after)));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

Status recover(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, true));
  if (object.archived != keymgr::kNever) {
    auto after = object;
    after.archived = keymgr::kNever;
    TRY(context.objects.change(*context.transaction, object, std::move(after)));
  }
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

Status obtain_lease(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, true));
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state == keymgr::KeyState::kCompromised || state == keymgr::KeyState::kDeactivated) {
    return refuse(ResultReason::kPermissionDenied, "the object is not to be used any more", "State");
  }
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  out.add_interval(tag::kLeaseTime, context.settings.lease_seconds);
  out.add_date_time(tag::kLastChangeDate, to_millis(object.changed) / 1000);
  return {};
}

Status get_usage_allocation(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kUsageLimitsCount}));
  const auto object = TRY(named_object(context, payload, true));
  const auto asked = payload.find(tag::kUsageLimitsCount);
  if (!asked) return refuse(ResultReason::kInvalidMessage, "it is missing", "Usage Limits Count");
  const auto count = TRY(asked->as_long_integer());
  if (count <= 0) return refuse(ResultReason::kInvalidField, "it must be more than 0", "Usage Limits Count");
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state != keymgr::KeyState::kActive) {
    return refuse(ResultReason::kWrongKeyLifecycleState, "the object is not active", "State");
  }
  TRY(allocate(context, object, count));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

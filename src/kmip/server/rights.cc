#include "kmip/server/rights.h"

#include <array>

#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::AccessObject;
using keymgr::AccessSubject;
using keymgr::ManagedObject;
using keymgr::Right;

AccessSubject subject_of(const OperationContext& context) {
  return {.serial = {}, .proxy = std::nullopt, .partition = {}, .client = context.client.name};
}

AccessObject object_of(std::string_view group) {
  AccessObject out{keymgr::ObjectKind::kGroup, {}};
  if (!group.empty()) out.names.emplace_back(group);
  return out;
}

Result<AccessObject> object_of(const OperationContext& context, const ManagedObject& object) {
  if (object.data_key.is_nil()) return object_of({});
  return object_of(TRY(context.objects.data_key_of(context.reader, object)).group);
}

Status check(const OperationContext& context, const AccessObject& object, Right right) {
  return context.objects.manager().access().check(context.reader, subject_of(context), object, right);
}

// Nothing can have been written with it, then.
bool was_given_to_nobody(const ManagedObject& object) {
  const auto flag = boolean_of(object.attributes.find(AttributeId::of(tag::kFresh)));
  const bool drawn = object.attributes.find(AttributeId::of(tag::kRandomNumberGenerator)) != nullptr;
  return drawn && flag.value_or(false);
}

}  // namespace

Status check_right(const OperationContext& context, const ManagedObject& object, Right right) {
  return check(context, TRY(object_of(context, object)), right);
}

Status check_may_make(const OperationContext& context, std::string_view group) {
  return check(context, object_of(group), Right::kWrite);
}

Status begin_write(const OperationContext& context, std::string_view group) {
  TRY(check_may_make(context, group));
  const auto subject = subject_of(context);
  const std::array objects{object_of(group)};
  return context.objects.manager().quotas().charge(*context.transaction, {subject, objects, true, {}});
}

Status begin_read(const OperationContext& context, const ManagedObject& object) {
  const auto subject = subject_of(context);
  const std::array objects{TRY(object_of(context, object))};
  const auto& manager = context.objects.manager();
  if (was_given_to_nobody(object) &&
      TRY(manager.access().allows(context.reader, subject, objects.front(), Right::kWrite))) {
    return {};
  }
  TRY(check(context, objects.front(), Right::kRead));
  const keymgr::QuotaCharge charge{subject, objects, false, object.id};
  if (context.transaction != nullptr) return manager.quotas().charge(*context.transaction, charge);
  if (!TRY(manager.quotas().counts(context.reader, charge))) return {};
  return fail(ErrorCode::kConflict, "the read is to be counted", {}, {}, kNeedsTransaction);
}

}  // namespace tapewarden::kmip

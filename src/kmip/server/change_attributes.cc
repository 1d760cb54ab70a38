// Add, Modify and Delete Attribute (Specification 1.4 sections 4.14 to 4.16, 2.1 sections 6.1.2, 6.1.30 and
// 6.1.13).
#include "base/concat.h"
#include "kmip/attribute_wire.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;

// The one attribute of the payload: an Attribute in 1.x, what stands within `tag_2` in 2.x.
Result<GivenAttribute> one_attribute(const OperationContext& context, const ttlv::Item& payload,
                                     ttlv::Tag tag_2) {
  auto item = payload.find(context.version.is_2() ? tag_2 : tag::kAttribute);
  if (!item) return refuse(ResultReason::kInvalidMessage, "the attribute is missing", "Attribute");
  if (!context.version.is_2()) return read_attribute(*item, context.version);
  auto given = TRY(read_attributes(*item, context.version));
  if (given.size() == 1) return std::move(given.front());
  return refuse(ResultReason::kInvalidMessage, "exactly one attribute is given", item->name());
}

Status check_may_change(const AttributeId& id, ClientMay least) {
  const auto* kind = id.kind();
  const bool mine = kind == nullptr ? id.vendor != "y" : kind->client >= least;
  if (mine) return {};
  return refuse(ResultReason::kAttributeReadOnly, concat(id.text(), " is not for clients to change"),
                id.text());
}

// Dates that begin or end something are set while that has not happened.
Status check_life(OperationContext& context, const ManagedObject& object, const AttributeId& id) {
  const auto state = TRY(context.objects.state_of(context.reader, object));
  const bool begins = id.tag == tag::kActivationDate || id.tag == tag::kProcessStartDate;
  const bool ends = id.tag == tag::kDeactivationDate || id.tag == tag::kProtectStopDate;
  const bool over = (begins && state != keymgr::KeyState::kPreActive) ||
                    (ends && state != keymgr::KeyState::kPreActive && state != keymgr::KeyState::kActive);
  if (!over) return {};
  return refuse(ResultReason::kWrongKeyLifecycleState,
                concat("the object is ", keymgr::to_string(state), ": this date is settled"), id.text());
}

Status answer(OperationContext& context, const ManagedObject& before, ManagedObject after,
              const Attribute& changed, ttlv::Writer& out) {
  TRY(context.objects.change(*context.transaction, before, std::move(after)));
  context.audit.emplace_back("attribute", changed.id.text());
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(before));
  if (!context.version.is_2()) write_attribute(out, changed, context.version);
  return {};
}

}  // namespace

Status add_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kAttribute, tag::kNewAttribute}));
  const auto object = TRY(named_object(context, payload, true));
  auto given = TRY(one_attribute(context, payload, tag::kNewAttribute));
  TRY(check_may_change(given.id, ClientMay::kCreate));
  const auto* kind = given.id.kind();
  if (kind != nullptr && !kind->many && object.attributes.find(given.id) != nullptr) {
    return refuse(ResultReason::kAttributeSingleValued, concat(given.id.text(), " has a value already"),
                  given.id.text());
  }
  if (object.attributes.size() >= kMaximumAttributeValues) {
    return refuse(ResultReason::kServerLimitExceeded, "the object has too many attributes");
  }
  TRY(check_life(context, object, given.id));
  auto after = object;
  after.attributes.add(given.id, given.item);
  const auto added = *after.attributes.find_all(given.id).back();
  return answer(context, object, std::move(after), added, out);
}

Status modify_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kAttribute, tag::kCurrentAttribute, tag::kNewAttribute}));
  const auto object = TRY(named_object(context, payload, true));
  auto given = TRY(one_attribute(context, payload, tag::kNewAttribute));
  TRY(check_may_change(given.id, ClientMay::kModify));
  const Attribute* old = object.attributes.find(given.id, given.index.value_or(0));
  if (payload.find(tag::kCurrentAttribute)) {
    const auto current = TRY(one_attribute(context, payload, tag::kCurrentAttribute));
    old = nullptr;
    for (const auto* value : object.attributes.find_all(given.id)) {
      if (current.id == given.id && value->item == current.item) old = value;
    }
  } else if (context.version.is_2()) {
    const auto values = object.attributes.find_all(given.id);
    if (values.size() > 1) {
      return refuse(ResultReason::kMultiValuedAttribute, "which of the values is not said",
                    "Current Attribute");
    }
    old = values.empty() ? nullptr : values.front();
  }
  if (old == nullptr) {
    return refuse(ResultReason::kAttributeNotFound, "the object has no such value", given.id.text());
  }
  TRY(check_life(context, object, given.id));
  auto after = object;
  const auto index = old->index;
  after.attributes.replace(given.id, index, given.item);
  return answer(context, object, std::move(after), {given.id, index, given.item}, out);
}

namespace {

struct Deleted {
  AttributeId id;
  std::optional<std::int32_t> index;  // nothing: by value, or all
  std::optional<Bytes> item;
};

Result<Deleted> what_is_deleted(const OperationContext& context, const ttlv::Item& payload) {
  if (context.version.is_2()) {
    if (const auto reference = payload.find(tag::kAttributeReference)) {
      return Deleted{TRY(read_attribute_name(*reference, context.version)), {}, {}};
    }
    auto current = TRY(one_attribute(context, payload, tag::kCurrentAttribute));
    return Deleted{current.id, {}, std::move(current.item)};
  }
  const auto name = payload.find(tag::kAttributeName);
  if (!name) return refuse(ResultReason::kInvalidMessage, "it is missing", "Attribute Name");
  Deleted out{TRY(read_attribute_name(*name, context.version)), 0, {}};
  if (const auto index = payload.find(tag::kAttributeIndex)) out.index = TRY(index->as_integer());
  return out;
}

}  // namespace

Status delete_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kAttributeName, tag::kAttributeIndex,
                             tag::kCurrentAttribute, tag::kAttributeReference}));
  const auto object = TRY(named_object(context, payload, true));
  const auto deleted = TRY(what_is_deleted(context, payload));
  TRY(check_may_change(deleted.id, ClientMay::kDelete));
  auto after = object;
  std::optional<Attribute> removed;
  for (const auto* value : object.attributes.find_all(deleted.id)) {
    const bool meant =
        (!deleted.index || value->index == *deleted.index) && (!deleted.item || value->item == *deleted.item);
    if (!meant) continue;
    removed = *value;
    after.attributes.remove(value->id, value->index);
  }
  if (!removed) {
    return refuse(ResultReason::kAttributeNotFound, "the object has no such value", deleted.id.text());
  }
  return answer(context, object, std::move(after), *removed, out);
}

}  // namespace tapewarden::kmip

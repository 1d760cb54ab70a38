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

// What has once been false is not "always" any more (Specification 1.4 sections 3.45 and 3.47).
void follow_sensitivity(AttributeSet& attributes) {
  const auto is = [&](ttlv::Tag tag) { return boolean_of(attributes.find(AttributeId::of(tag))); };
  if (is(tag::kSensitive) == std::optional(false) && is(tag::kAlwaysSensitive)) {
    attributes.set(AttributeId::of(tag::kAlwaysSensitive), boolean_item(tag::kAlwaysSensitive, false));
  }
  if (is(tag::kExtractable) == std::optional(true) && is(tag::kNeverExtractable)) {
    attributes.set(AttributeId::of(tag::kNeverExtractable), boolean_item(tag::kNeverExtractable, false));
  }
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
  if (given.id.tag == tag::kName && object.attributes.has(given.id, given.item)) {
    return refuse(ResultReason::kNonUniqueNameAttribute, "the object has this name already", given.id.text());
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
  follow_sensitivity(after.attributes);
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

// Set Attribute (2.1 section 6.1.52): one value, whether there was one or not.
Status set_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kNewAttribute}));
  const auto object = TRY(named_object(context, payload, true));
  auto given = TRY(one_attribute(context, payload, tag::kNewAttribute));
  const bool there = object.attributes.find(given.id) != nullptr;
  TRY(check_may_change(given.id, there ? ClientMay::kModify : ClientMay::kCreate));
  const auto* kind = given.id.kind();
  if (kind != nullptr && kind->many) {
    return refuse(ResultReason::kMultiValuedAttribute, concat(given.id.text(), " has several values"),
                  given.id.text());
  }
  TRY(check_life(context, object, given.id));
  auto after = object;
  after.attributes.set(given.id, given.item);
  follow_sensitivity(after.attributes);
  return answer(context, object, std::move(after), {given.id, 0, given.item}, out);
}

namespace {

Result<std::int64_t> adjustment(const ttlv::Item& payload) {
  const auto item = payload.find(tag::kAdjustmentValue);
  if (!item) return 1;
  switch (item->type()) {
    case ttlv::Type::kInteger:
      return TRY(item->as_integer());
    case ttlv::Type::kLongInteger:
      return item->as_long_integer();
    default:
      return TRY(item->as_interval());
  }
}

// `value` plus or minus `by`. Numeric Range: it does not fit.
Result<std::int64_t> moved(std::int64_t value, AdjustmentType type, std::int64_t by, std::int64_t low,
                           std::int64_t high) {
  std::int64_t out = 0;
  bool over = false;
  if (type == AdjustmentType::kIncrement) {
    over = __builtin_add_overflow(value, by, &out);
  } else if (type == AdjustmentType::kDecrement) {
    over = __builtin_sub_overflow(value, by, &out);
  } else {
    over = __builtin_sub_overflow(std::int64_t{0}, value, &out);
  }
  if (!over && out >= low && out <= high) return out;
  return refuse(ResultReason::kNumericRange, "the value would not fit", "Adjustment Value");
}

Result<Bytes> adjusted(const ttlv::Item& item, AdjustmentType type, std::int64_t by) {
  ttlv::Writer out;
  if (item.type() == ttlv::Type::kBoolean && type == AdjustmentType::kNegate) {
    return out.add_boolean(item.tag(), !TRY(item.as_boolean())).take();
  }
  switch (item.type()) {
    case ttlv::Type::kInteger: {
      const auto value = TRY(moved(TRY(item.as_integer()), type, by, INT32_MIN, INT32_MAX));
      return out.add_integer(item.tag(), static_cast<std::int32_t>(value)).take();
    }
    case ttlv::Type::kLongInteger:
      return out
          .add_long_integer(item.tag(),
                            TRY(moved(TRY(item.as_long_integer()), type, by, INT64_MIN, INT64_MAX)))
          .take();
    case ttlv::Type::kInterval: {
      const auto value = TRY(moved(TRY(item.as_interval()), type, by, 0, UINT32_MAX));
      return out.add_interval(item.tag(), static_cast<std::uint32_t>(value)).take();
    }
    case ttlv::Type::kDateTime:
      return out
          .add_date_time(item.tag(), TRY(moved(TRY(item.as_date_time()), type, by, INT64_MIN, INT64_MAX)))
          .take();
    default:
      return refuse(ResultReason::kInvalidDataType, "the attribute is no number, date or boolean",
                    "Attribute Reference");
  }
}

}  // namespace

// Adjust Attribute (2.1 section 6.1.3).
Status adjust_attribute(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kAttributeReference, tag::kAdjustmentType,
                             tag::kAdjustmentValue}));
  const auto object = TRY(named_object(context, payload, true));
  const auto reference = payload.find(tag::kAttributeReference);
  const auto type = payload.find(tag::kAdjustmentType);
  if (!reference) return refuse(ResultReason::kInvalidMessage, "it is missing", "Attribute Reference");
  if (!type) return refuse(ResultReason::kInvalidMessage, "it is missing", "Adjustment Type");
  const auto id = TRY(read_attribute_name(*reference, context.version));
  const auto how = TRY(type->as_enumeration());
  if (how < 1 || how > 3)
    return refuse(ResultReason::kInvalidField, "there is no such type", "Adjustment Type");
  TRY(check_may_change(id, ClientMay::kModify));
  const auto values = object.attributes.find_all(id);
  if (values.empty()) return refuse(ResultReason::kAttributeNotFound, "the object has it not", id.text());
  if (values.size() > 1) {
    return refuse(ResultReason::kMultiValuedAttribute, "which of the values is not said", id.text());
  }
  TRY(check_life(context, object, id));
  const auto document = TRY(ttlv::decode(values.front()->item));
  auto item = TRY(adjusted(document.root(), AdjustmentType(how), TRY(adjustment(payload))));
  auto after = object;
  after.attributes.replace(id, values.front()->index, item);
  follow_sensitivity(after.attributes);
  return answer(context, object, std::move(after), {id, values.front()->index, std::move(item)}, out);
}

}  // namespace tapewarden::kmip

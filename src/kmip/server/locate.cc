// Locate (Specification 1.4 section 4.9, 2.1 section 6.1.27). Exactly one object found becomes the ID
// placeholder; none, or several, clear it: what follows in the batch must not get some other object.
#include <algorithm>

#include "kmip/attribute_wire.h"
#include "kmip/server/object_attributes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::AttributeWanted;
using keymgr::ManagedObject;

struct Filters {
  std::vector<AttributeWanted> kept;    // looked up in what objects keep
  std::vector<GivenAttribute> follows;  // compared with what follows from their rows
};

bool follows_from_row(const AttributeId& id) {
  static constexpr ttlv::Tag kTags[] = {tag::kUniqueIdentifier,     tag::kShortUniqueIdentifier,
                                        tag::kObjectType,           tag::kState,
                                        tag::kInitialDate,          tag::kLastChangeDate,
                                        tag::kCompromiseDate,       tag::kDestroyDate,
                                        tag::kArchiveDate,          tag::kLeaseTime,
                                        tag::kOriginalCreationDate, tag::kDigest};
  return std::ranges::find(kTags, id.tag) != std::end(kTags);
}

// A date once is that date, a date twice is from the one to the other (Specification 1.4 section 4.9).
bool is_date(const AttributeId& id) {
  const auto* kind = id.kind();
  return kind != nullptr && kind->type == ttlv::Type::kDateTime;
}

Result<Filters> read_filters(const OperationContext& context, const ttlv::Item& payload) {
  Filters out;
  const auto take = [&](GivenAttribute given) {
    if (follows_from_row(given.id) || is_date(given.id) || given.id.tag == tag::kCryptographicUsageMask) {
      out.follows.push_back(std::move(given));
    } else {
      out.kept.push_back({std::move(given.id), std::move(given.item)});
    }
  };
  if (context.version.is_2()) {
    if (const auto item = payload.find(tag::kAttributes)) {
      for (auto& given : TRY(read_attributes(*item, context.version))) take(std::move(given));
    }
    return out;
  }
  for (const ttlv::Item child : payload.children()) {
    if (child.tag() == tag::kAttribute) take(TRY(read_attribute(child, context.version)));
  }
  return out;
}

bool within(const AttributeSet& all, const AttributeId& id, const std::vector<GivenAttribute>& follows) {
  std::vector<std::int64_t> bounds;
  for (const auto& given : follows) {
    if (given.id != id) continue;
    const Attribute value{given.id, 0, given.item};
    if (const auto date = date_of(&value)) bounds.push_back(*date);
  }
  const auto date = date_of(all.find(id));
  if (!date || bounds.empty()) return false;
  std::ranges::sort(bounds);
  return *date >= bounds.front() && *date <= bounds.back();
}

bool has_bits(const AttributeSet& all, const GivenAttribute& given) {
  const Attribute value{given.id, 0, given.item};
  const auto wanted = integer_of(&value);
  const auto has = integer_of(all.find(given.id));
  return wanted && has && (*wanted & *has) == *wanted;
}

bool fits(const AttributeSet& all, const std::vector<GivenAttribute>& follows) {
  return std::ranges::all_of(follows, [&](const GivenAttribute& given) {
    if (is_date(given.id)) return within(all, given.id, follows);
    if (given.id.tag == tag::kCryptographicUsageMask) return has_bits(all, given);
    return all.has(given.id, given.item);
  });
}

// Which of on line, archived and destroyed objects are looked for.
Result<std::int32_t> storage_mask(const ttlv::Item& payload) {
  const auto item = payload.find(tag::kStorageStatusMask);
  if (item) return item->as_integer();
  return static_cast<std::int32_t>(StorageStatusMask::kOnLineStorage) |
         static_cast<std::int32_t>(StorageStatusMask::kArchivalStorage);
}

// Whether only members of a group are looked for that no client was given yet (Specification 1.4
// section 9.1.3.2.33).
Result<bool> wants_fresh(const ttlv::Item& payload) {
  const auto item = payload.find(tag::kObjectGroupMember);
  if (!item) return false;
  const auto value = TRY(item->as_enumeration());
  if (value == static_cast<std::uint32_t>(ObjectGroupMember::kGroupMemberFresh)) return true;
  if (value == static_cast<std::uint32_t>(ObjectGroupMember::kGroupMemberDefault)) {
    return refuse(ResultReason::kFeatureNotSupported,
                  "groups have no default member here: ask for the fresh ones, or for all",
                  "Object Group Member");
  }
  return refuse(ResultReason::kInvalidField, "there is no such value", "Object Group Member");
}

Result<bool> is_stored(const OperationContext& context, const ManagedObject& object, std::int32_t mask) {
  auto place = StorageStatusMask::kOnLineStorage;
  if (object.archived != keymgr::kNever) place = StorageStatusMask::kArchivalStorage;
  if (TRY(context.objects.is_gone(context.reader, object))) place = StorageStatusMask::kDestroyedStorage;
  return (mask & static_cast<std::int32_t>(place)) != 0;
}

Result<std::size_t> number_of(const ttlv::Item& payload, ttlv::Tag tag, std::size_t otherwise) {
  const auto item = payload.find(tag);
  if (!item) return otherwise;
  const auto number = TRY(item->as_integer());
  if (number >= 0) return static_cast<std::size_t>(number);
  return refuse(ResultReason::kInvalidField, "it is less than 0", item->name());
}

}  // namespace

Status locate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  context.placeholder.reset();
  TRY(check_fields(payload,
                   {tag::kMaximumItems, tag::kOffsetItems, tag::kStorageStatusMask, tag::kObjectGroupMember,
                    context.version.is_2() ? tag::kAttributes : tag::kAttribute}));
  const auto filters = TRY(read_filters(context, payload));
  const auto mask = TRY(storage_mask(payload));
  const bool fresh = TRY(wants_fresh(payload));
  keymgr::ObjectQuery query;
  query.owner = context.client.owner;
  query.wanted = filters.kept;
  query.offset = TRY(number_of(payload, tag::kOffsetItems, 0));
  const auto most = context.settings.maximum_located;
  query.maximum = std::min(TRY(number_of(payload, tag::kMaximumItems, most)), most);
  query.most_looked_at = context.settings.maximum_searched;
  const bool by_digest = std::ranges::any_of(
      filters.follows, [](const GivenAttribute& given) { return given.id.tag == tag::kDigest; });
  query.fits = [&](const ManagedObject& object) -> Result<bool> {
    if (!TRY(is_stored(context, object, mask))) return false;
    const auto untouched = boolean_of(object.attributes.find(AttributeId::of(tag::kFresh)));
    if (fresh && !untouched.value_or(false)) return false;
    if (filters.follows.empty()) return true;
    auto all = TRY(all_attributes(context.reader, context.objects, object, context.settings));
    if (by_digest) TRY(add_digest(all, context.reader, context.objects, object));
    return fits(all, filters.follows);
  };
  if (query.maximum == 0) return {};
  const auto found = TRY(context.objects.locate(context.reader, query));
  for (const auto& object : found.objects) {
    out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  }
  context.audit.emplace_back("found", std::to_string(found.objects.size()));
  if (found.total == 1 && found.objects.size() == 1) {
    context.placeholder = found.objects.front().id;
    context.audit.emplace_back("object", keymgr::unique_identifier(found.objects.front()));
  }
  return {};
}

}  // namespace tapewarden::kmip

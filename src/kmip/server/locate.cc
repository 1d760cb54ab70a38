// Locate (Specification 1.4 section 4.9, 2.1 section 6.1.28): objects, the newest first. The only object
// found becomes the ID placeholder, and the newest of several where Maximum Items is 1; none, or several,
// clear it: what follows in the batch must not get some other object. Nor must a tape library: of several
// keys of cartridges none becomes the placeholder, whatever Maximum Items is. Only where none is here is the
// old key server asked (elsewhere.h): a library looks for one key, and what was made here goes before what
// was made there.
#include <algorithm>

#include "keymgr/objects/object_terms.h"
#include "kmip/server/locate_filters.h"
#include "kmip/server/object_attributes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;

constexpr std::size_t kBrieflyLookedAt = 64;  // less than a millisecond

// Which of on line, archived and destroyed objects are looked for.
Result<std::int32_t> storage_mask(const ttlv::Item& payload) {
  const auto item = payload.find(tag::kStorageStatusMask);
  if (item) return item->as_integer();
  return static_cast<std::int32_t>(StorageStatusMask::kOnLineStorage);
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

// Everything beside the attributes.
struct Terms {
  std::int32_t storage = 0;
  bool fresh = false;
  std::size_t offset = 0;
  std::size_t maximum = 0;
  bool one_of_several = false;  // Maximum Items is 1
};

Result<Terms> read_terms(const OperationContext& context, const ttlv::Item& payload) {
  const auto most = context.settings.maximum_located;
  const auto asked = payload.find(tag::kMaximumItems);
  const auto maximum = TRY(number_of(payload, tag::kMaximumItems, most));
  return Terms{TRY(storage_mask(payload)), TRY(wants_fresh(payload)),
               TRY(number_of(payload, tag::kOffsetItems, 0)), std::min(maximum, most), asked && maximum == 1};
}

Result<keymgr::ObjectsFound> search(OperationContext& context, const Terms& terms, LocateFilters& filters,
                                    bool as_patterns) {
  keymgr::ObjectQuery query;
  query.owner = context.client.owner;
  query.wanted = filters.kept(as_patterns);
  query.offset = terms.offset;
  query.maximum = terms.maximum;
  query.most_looked_at = context.settings.maximum_searched;
  query.newest_first = true;
  if (context.brief) {
    query.most_looked_at = std::min(kBrieflyLookedAt, query.most_looked_at);
    query.exact = true;
  }
  query.fits = [&](const ManagedObject& object) -> Result<bool> {
    if (!TRY(is_stored(context, object, terms.storage))) return false;
    const auto untouched = boolean_of(object.attributes.find(AttributeId::of(tag::kFresh)));
    if (terms.fresh && !untouched.value_or(false)) return false;
    if (!filters.has_rest(as_patterns)) return true;
    auto all = TRY(all_attributes(context.reader, context.objects, object, context.settings));
    if (filters.asks_for_digest()) TRY(add_digest(all, context.reader, context.objects, object));
    return filters.fits(all, as_patterns);
  };
  return context.objects.locate(context.reader, query);
}

// Which of several keys a tape library means nobody knows.
bool becomes_placeholder(const keymgr::ObjectsFound& found, const Terms& terms) {
  if (found.objects.size() != 1) return false;
  if (found.total == 1) return true;
  return terms.one_of_several &&
         std::ranges::none_of(found.objects.front().attributes.all(), keymgr::names_a_cartridge);
}

// Nobody has fresh ones but this server; and what is looked for among the destroyed or archived was here.
bool may_be_elsewhere(const Terms& terms, const LocateFilters& filters) {
  const auto on_line = static_cast<std::int32_t>(StorageStatusMask::kOnLineStorage);
  return !terms.fresh && (terms.storage & on_line) != 0 && filters.tells_objects_apart();
}

}  // namespace

Status locate(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  context.placeholder.reset();
  TRY(check_fields(payload,
                   {tag::kMaximumItems, tag::kOffsetItems, tag::kStorageStatusMask, tag::kObjectGroupMember,
                    context.version.is_2() ? tag::kAttributes : tag::kAttribute}));
  auto filters = TRY(LocateFilters::read(payload, context.version));
  const auto terms = TRY(read_terms(context, payload));
  if (terms.maximum == 0) return {};
  auto found = TRY(search(context, terms, filters, false));
  if (found.total == 0 && filters.may_have_patterns()) {
    found = TRY(search(context, terms, filters, true));
  }
  if (found.total == 0 && may_be_elsewhere(terms, filters)) {
    TRY(seek_elsewhere(context, {{}, filters.asked()}));
  }
  for (const auto& object : found.objects) {
    out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  }
  context.audit.emplace_back("found", std::to_string(found.objects.size()));
  if (becomes_placeholder(found, terms)) {
    context.placeholder = found.objects.front().id;
    context.audit.emplace_back("object", keymgr::unique_identifier(found.objects.front()));
  }
  return {};
}

}  // namespace tapewarden::kmip

#include "kmip/server/replacement.h"

#include <algorithm>

#include "kmip/server/key_pair.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;
using ttlv::Tag;

constexpr Tag kDates[] = {tag::kActivationDate, tag::kProcessStartDate, tag::kProtectStopDate,
                          tag::kDeactivationDate};
// What the new object gets of its own, or has not yet.
constexpr Tag kOwn[] = {tag::kDigest,
                        tag::kFresh,
                        tag::kLink,
                        tag::kAlwaysSensitive,
                        tag::kNeverExtractable,
                        tag::kKeyFormatType,
                        tag::kOriginalCreationDate,
                        tag::kRandomNumberGenerator,
                        tag::kRevocationReason,
                        tag::kCompromiseOccurrenceDate,
                        tag::kUsageLimits,
                        tag::kApplicationSpecificInformation};

bool passes_on(const Attribute& attribute) {
  return std::ranges::find(kOwn, attribute.id.tag) == std::end(kOwn) &&
         std::ranges::find(kDates, attribute.id.tag) == std::end(kDates);
}

bool has_link(const ManagedObject& object, LinkType type) {
  for (const auto* link : object.attributes.find_all(AttributeId::of(tag::kLink))) {
    const auto document = ttlv::decode(link->item);
    const auto item = document ? document->root().find(tag::kLinkType) : std::nullopt;
    if (item && item->as_enumeration().value_or(0) == static_cast<std::uint32_t>(type)) return true;
  }
  return false;
}

// Without an Offset the dates are those of the old object; with one, the new is activated so long from now,
// and the others follow by as much.
Status move_dates(const OperationContext& context, const ManagedObject& old, const ttlv::Item& payload,
                  AttributeSet& into) {
  const auto offset = payload.find(tag::kOffset);
  const auto date = [&](Tag tag) { return date_of(old.attributes.find(AttributeId::of(tag))); };
  std::int64_t by = 0;
  if (offset) {
    const auto activation = to_millis(context.now()) / 1000 + TRY(offset->as_interval());
    by = activation - date(tag::kActivationDate).value_or(activation);
    into.set(AttributeId::of(tag::kActivationDate), date_item(tag::kActivationDate, activation));
  }
  for (const auto tag : kDates) {
    if (into.find(AttributeId::of(tag)) != nullptr) continue;
    if (const auto at = date(tag)) into.set(AttributeId::of(tag), date_item(tag, *at + by));
  }
  return {};
}

// All uses are left to the new object.
void renew_usage_limits(const ManagedObject& old, AttributeSet& into) {
  const auto id = AttributeId::of(tag::kUsageLimits);
  const auto* limits = old.attributes.find(id);
  const auto document =
      limits != nullptr ? ttlv::decode(limits->item) : Result<ttlv::Document>(ttlv::Document());
  if (limits == nullptr || !document) return;
  const auto total = document->root().find(tag::kUsageLimitsTotal);
  ttlv::Writer out;
  out.begin(tag::kUsageLimits).add_encoded(total->encoding());
  out.add_long_integer(tag::kUsageLimitsCount, total->as_long_integer().value_or(0));
  out.add_encoded(document->root().find(tag::kUsageLimitsUnit)->encoding());
  into.set(id, out.end().take());
}

}  // namespace

Result<AttributeSet> attributes_for_replacement(const OperationContext& context, const ManagedObject& old,
                                                const ttlv::Item& payload, const AttributeSet& given) {
  if (has_link(old, LinkType::kReplacementObjectLink)) {
    return refuse(ResultReason::kPermissionDenied, "the object has a replacement already",
                  "Unique Identifier");
  }
  AttributeSet out = given;
  for (const auto& attribute : old.attributes.all()) {
    // Names that the request gives come beside those that pass on.
    const bool replaced = attribute.id.tag == tag::kName ? given.has(attribute.id, attribute.item)
                                                         : given.find(attribute.id) != nullptr;
    if (passes_on(attribute) && !replaced) out.add(attribute.id, attribute.item);
  }
  if (given.find(AttributeId::of(tag::kUsageLimits)) == nullptr) renew_usage_limits(old, out);
  TRY(move_dates(context, old, payload, out));
  return out;
}

Result<ManagedObject> release_names(OperationContext& context, const ManagedObject& old) {
  auto after = old;
  if (after.attributes.remove_all(AttributeId::of(tag::kName)) == 0) return after;
  TRY(context.objects.change(*context.transaction, old, after));
  return after;
}

Status link_replacement(OperationContext& context, const ManagedObject& old,
                        const ManagedObject& replacement) {
  auto old_after = old;
  old_after.attributes.add(AttributeId::of(tag::kLink),
                           link_item(LinkType::kReplacementObjectLink, replacement));
  TRY(context.objects.change(*context.transaction, old, std::move(old_after)));
  auto after = replacement;
  after.attributes.add(AttributeId::of(tag::kLink), link_item(LinkType::kReplacedObjectLink, old));
  return context.objects.change(*context.transaction, replacement, std::move(after));
}

}  // namespace tapewarden::kmip

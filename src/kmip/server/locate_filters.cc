#include "kmip/server/locate_filters.h"

#include <algorithm>
#include <limits>

#include "keymgr/objects/object_terms.h"
#include "kmip/attribute_shapes.h"
#include "kmip/limits.h"
#include "kmip/read_through.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Type;

// What follows from an object's row, and is none of the attributes that are kept with it.
bool follows_from_row(const AttributeId& id) {
  static constexpr ttlv::Tag kTags[] = {tag::kUniqueIdentifier,     tag::kShortUniqueIdentifier,
                                        tag::kObjectType,           tag::kState,
                                        tag::kInitialDate,          tag::kLastChangeDate,
                                        tag::kCompromiseDate,       tag::kDestroyDate,
                                        tag::kArchiveDate,          tag::kLeaseTime,
                                        tag::kOriginalCreationDate, tag::kDigest};
  return std::ranges::find(kTags, id.tag) != std::end(kTags);
}

bool is_date(const AttributeId& id) {
  const auto* kind = id.kind();
  return kind != nullptr && kind->type == Type::kDateTime;
}

bool is_compared_by_amount(const AttributeId& id) {
  return id.tag == tag::kCryptographicUsageMask || id.tag == tag::kUsageLimits;
}

bool is_whole(const AttributeId& id, const Item& item) {
  const auto* kind = id.kind();
  return kind == nullptr ? !item.is_structure() : has_every_field(*kind, item);
}

bool is_of_tape_library(const Item& item) {
  const auto space = item.find(tag::kApplicationNamespace);
  return !space || !space->as_text() || keymgr::is_tape_namespace(*space->as_text());
}

bool has_wildcards(const Item& item) {
  if (item.type() == Type::kTextString) return Pattern::of_text(as_text(item.value())).has_wildcards();
  if (item.type() == Type::kByteString) return Pattern::of_bytes(item.value()).has_wildcards();
  const auto children = item.children();
  for (const Item child : children) {
    if (has_wildcards(child)) return true;
  }
  return false;
}

// How two values are compared.
struct Comparison {
  bool patterns = false;
  MatchBudget& budget;
};

bool text_fits(const Item& wanted, const Item& has, const Comparison& how) {
  if (wanted.tag() == tag::kApplicationNamespace && keymgr::compared_namespace(as_text(wanted.value())) ==
                                                        keymgr::compared_namespace(as_text(has.value()))) {
    return true;
  }
  if (equal(wanted.value(), has.value())) return true;
  return how.patterns && Pattern::of_text(as_text(wanted.value())).matches(as_text(has.value()), how.budget);
}

bool value_fits(const Item& wanted, const Item& has, const Comparison& how);

bool fields_fit(const Item& wanted, const Item& has, const Comparison& how) {
  for (const Item field : wanted.children()) {
    bool found = false;
    for (const Item other : has.children()) {
      found = found || (other.tag() == field.tag() && value_fits(field, other, how));
    }
    if (!found) return false;
  }
  return true;
}

bool value_fits(const Item& wanted, const Item& has, const Comparison& how) {
  if (wanted.type() != has.type()) return false;
  if (wanted.is_structure()) return fields_fit(wanted, has, how);
  if (wanted.type() == Type::kTextString) return text_fits(wanted, has, how);
  if (equal(wanted.value(), has.value())) return true;
  return how.patterns && wanted.type() == Type::kByteString &&
         Pattern::of_bytes(wanted.value()).matches(has.value(), how.budget);
}

std::optional<std::int64_t> amount(const Item& limits, ttlv::Tag field) {
  const auto item = limits.find(field);
  const auto value = item ? item->as_long_integer() : Result<std::int64_t>(0);
  return item && value ? std::optional(*value) : std::nullopt;
}

// As many left, and as many in all, as are asked for at least.
bool limits_fit(const Item& wanted, const Item& has) {
  for (const auto field : {tag::kUsageLimitsTotal, tag::kUsageLimitsCount}) {
    const auto least = amount(wanted, field);
    if (least && amount(has, field).value_or(-1) < *least) return false;
  }
  const auto unit = wanted.find(tag::kUsageLimitsUnit);
  const auto other = has.find(tag::kUsageLimitsUnit);
  return !unit || (other && equal(unit->value(), other->value()));
}

bool has_bits(const AttributeSet& all, const GivenAttribute& given) {
  const Attribute value{given.id, 0, given.item};
  const auto wanted = integer_of(&value);
  const auto has = integer_of(all.find(given.id));
  return wanted && has && (*wanted & *has) == *wanted;
}

}  // namespace

void LocateFilters::take(GivenAttribute given, const ProtocolVersion& version) {
  Filter filter{std::move(given), false, false};
  const auto& id = filter.given.id;
  const auto document = ttlv::decode(filter.given.item);
  if (!document) return;  // it was encoded from an item of the request
  const bool exact_alone =
      version.is_2() || follows_from_row(id) || is_date(id) ||
      (id.tag == tag::kApplicationSpecificInformation && is_of_tape_library(document->root()));
  filter.pattern = !exact_alone && has_wildcards(document->root());
  filter.kept =
      !follows_from_row(id) && !is_date(id) && !is_compared_by_amount(id) && is_whole(id, document->root());
  patterned_ = patterned_ || filter.pattern;
  filters_.push_back(std::move(filter));
}

Result<LocateFilters> LocateFilters::read(const Item& payload, const ProtocolVersion& version) {
  LocateFilters out;
  if (version.is_2()) {
    if (const auto item = payload.find(tag::kAttributes)) {
      for (auto& given : TRY(read_attributes(*item, version, ValueFor::kSearch))) {
        out.take(std::move(given), version);
      }
    }
    return out;
  }
  for (const Item child : payload.children()) {
    if (child.tag() != tag::kAttribute) continue;
    if (out.filters_.size() >= kMaximumAttributeValues) {
      return refuse(ResultReason::kServerLimitExceeded, "too many attributes in one search", "Attribute");
    }
    out.take(TRY(read_attribute(child, version, ValueFor::kSearch)), version);
  }
  return out;
}

std::vector<keymgr::AttributeWanted> LocateFilters::kept(bool as_patterns) const {
  std::vector<keymgr::AttributeWanted> out;
  for (const auto& filter : filters_) {
    if (!filter.kept || (as_patterns && filter.pattern)) continue;
    out.push_back({filter.given.id, filter.given.item});
  }
  return out;
}

std::vector<Attribute> LocateFilters::asked() const {
  std::vector<Attribute> out;
  for (const auto& filter : filters_) out.push_back({filter.given.id, 0, filter.given.item});
  return out;
}

bool LocateFilters::tells_objects_apart() const {
  return std::ranges::any_of(filters_,
                             [](const Filter& filter) { return kmip::tells_objects_apart(filter.given.id); });
}

bool LocateFilters::has_rest(bool as_patterns) const {
  return std::ranges::any_of(
      filters_, [&](const Filter& filter) { return !filter.kept || (as_patterns && filter.pattern); });
}

bool LocateFilters::asks_for_digest() const {
  return std::ranges::any_of(filters_,
                             [](const Filter& filter) { return filter.given.id.tag == tag::kDigest; });
}

bool LocateFilters::fits_one(const AttributeSet& all, const Filter& filter, bool as_patterns) {
  const auto& id = filter.given.id;
  if (id.tag == tag::kCryptographicUsageMask) return has_bits(all, filter.given);
  const auto wanted = ttlv::decode(filter.given.item);
  const Comparison how{as_patterns && filter.pattern, budget_};
  return wanted && std::ranges::any_of(all.find_all(id), [&](const Attribute* attribute) {
           const auto has = ttlv::decode(attribute->item);
           if (!has) return false;
           const bool of_tape =
               id.tag == tag::kApplicationSpecificInformation && is_of_tape_library(has->root());
           if (how.patterns && of_tape) return false;
           if (id.tag == tag::kUsageLimits) return limits_fit(wanted->root(), has->root());
           return value_fits(wanted->root(), has->root(), how);
         });
}

// The largest date stands for an attribute that is not there.
bool LocateFilters::date_fits(const AttributeSet& all, const AttributeId& id) const {
  constexpr auto kNone = std::numeric_limits<std::int64_t>::max();
  auto first = kNone;
  auto last = std::numeric_limits<std::int64_t>::min();
  for (const auto& filter : filters_) {
    if (filter.given.id != id) continue;
    const Attribute value{id, 0, filter.given.item};
    const auto bound = date_of(&value).value_or(kNone);
    first = std::min(first, bound);
    last = std::max(last, bound);
  }
  const auto date = date_of(all.find(id)).value_or(kNone);
  return date >= first && date <= last;
}

Result<bool> LocateFilters::fits(const AttributeSet& all, bool as_patterns) {
  for (const auto& filter : filters_) {
    const auto& id = filter.given.id;
    if (filter.kept && !(as_patterns && filter.pattern)) continue;  // compared already
    const bool fits = is_date(id) ? date_fits(all, id) : fits_one(all, filter, as_patterns);
    if (budget_.spent()) {
      return refuse(ResultReason::kServerLimitExceeded, "the patterns take more work than one search may",
                    "Attribute");
    }
    if (!fits) return false;
  }
  return true;
}

}  // namespace tapewarden::kmip

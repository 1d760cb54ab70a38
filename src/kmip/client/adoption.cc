#include "kmip/client/adoption.h"

#include <algorithm>

#include "base/concat.h"
#include "base/text.h"
#include "kmip/attribute_wire.h"
#include "kmip/client/object_carrier.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Writer;

constexpr std::size_t kMostWords = 400;

std::string shown(std::string_view text) {
  return escape_unprintable(text.substr(0, kMostWords));
}

Error trouble_of(const MigratedObject& object) {
  if (object.because == LeftBecause::kDestroyed) {
    return refuse(ResultReason::kObjectDestroyed, "the object was destroyed at the old key server",
                  "Unique Identifier")
        .error();
  }
  return {ErrorCode::kUnavailable,
          concat("the old key server has the object ", shown(object.id),
                 ", which did not come: ", shown(object.remark)),
          "Unique Identifier", ""};
}

Result<Adoption> adopt_by_id(const ObjectCarrier& carrier, const std::string& id) {
  Adoption out;
  auto object = TRY(carrier.take(id));
  if (object.because == LeftBecause::kNotThere) return out;
  if (object.outcome == MigrationOutcome::kLeft) out.trouble = trouble_of(object);
  out.objects.push_back(std::move(object));
  return out;
}

// What the other server cannot be asked for is compared here, when the object has come.
Result<std::vector<std::string>> locate(const ServerEnd& from, const SoughtObject& sought,
                                        std::optional<Error>& trouble) {
  const auto known = [&](const Attribute& one) { return is_known_to(one.id, from.version()); };
  const bool apart = std::ranges::any_of(
      sought.wanted, [&](const Attribute& one) { return known(one) && tells_objects_apart(one.id); });
  if (!apart) {
    return fail(ErrorCode::kUnsupported, concat("KMIP ", to_string(from.version()),
                                                ", which it speaks, cannot ask for these attributes"));
  }
  const auto reply = TRY(from.ask(Operation::kLocate, [&](Writer& out) {
    out.add_integer(tag::kMaximumItems, static_cast<std::int32_t>(kMostAdoptedAtOnce) + 1);
    for (const auto& one : sought.wanted) {
      if (known(one)) write_attribute(out, one, from.version());
    }
  }));
  std::vector<std::string> out;
  if (is_not_found(reply)) return out;  // so some servers say that they found none
  if (!reply.good) {
    trouble = Error{ErrorCode::kUnavailable, "the old key server does not locate it: " + reply.why, "", ""};
    return out;
  }
  if (!reply.payload) return out;
  for (const Item child : reply.payload->children()) {
    if (child.tag() == tag::kUniqueIdentifier) out.emplace_back(TRY(child.as_text()));
  }
  return out;
}

Result<Adoption> adopt_by_attributes(const ServerEnd& from, const ObjectCarrier& carrier,
                                     const SoughtObject& sought) {
  Adoption out;
  const auto ids = TRY(locate(from, sought, out.trouble));
  if (ids.size() > kMostAdoptedAtOnce) {
    out.trouble = Error{ErrorCode::kUnavailable,
                        concat("more than ", kMostAdoptedAtOnce, " objects at the old key server fit: take ",
                               "them over with tapewarden migrate kmip"),
                        "", ""};
    return out;
  }
  for (const auto& id : ids) {
    auto object = TRY(carrier.take(id));
    const bool gone = object.because == LeftBecause::kNotThere || object.because == LeftBecause::kDestroyed;
    if (gone) continue;  // meanwhile, or it lists those too: a Locate finds none of them
    if (object.outcome == MigrationOutcome::kLeft && !out.trouble) out.trouble = trouble_of(object);
    out.objects.push_back(std::move(object));
  }
  return out;
}

}  // namespace

Result<Adoption> adopt(const ServerEnd& from, const ServerEnd& to, const MigrationOrder& order,
                       const SoughtObject& sought) {
  const ObjectCarrier carrier(from, to, order);
  if (!sought.id.empty()) return adopt_by_id(carrier, sought.id);
  return adopt_by_attributes(from, carrier, sought);
}

}  // namespace tapewarden::kmip

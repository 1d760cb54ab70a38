// Get Attributes and Get Attribute List (Specification 1.4 sections 4.12 and 4.13, 2.1 sections 6.1.22 and
// 6.1.21).
#include <algorithm>

#include "kmip/attribute_wire.h"
#include "kmip/server/object_attributes.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

// The attributes that are asked for; empty: all.
Result<std::vector<AttributeId>> asked_for(const OperationContext& context, const ttlv::Item& payload) {
  std::vector<AttributeId> out;
  for (const ttlv::Item child : payload.children()) {
    if (child.tag() == tag::kUniqueIdentifier) continue;
    out.push_back(TRY(read_attribute_name(child, context.version)));
  }
  return out;
}

}  // namespace

Status get_attributes(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  const auto object = TRY(named_object(context, payload, false));
  const auto asked = TRY(asked_for(context, payload));
  auto all = TRY(all_attributes(context.reader, context.objects, object, context.settings));
  TRY(add_digest(all, context.reader, context.objects, object));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  if (context.version.is_2()) out.begin(tag::kAttributes);
  if (asked.empty()) {
    for (const auto& attribute : all.all()) write_attribute(out, attribute, context.version);
  }
  for (const auto& id : asked) {
    for (const auto* attribute : all.find_all(id)) write_attribute(out, *attribute, context.version);
  }
  if (context.version.is_2()) out.end();
  return {};
}

Status get_attribute_list(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kUniqueIdentifier}));
  const auto object = TRY(named_object(context, payload, false));
  auto all = TRY(all_attributes(context.reader, context.objects, object, context.settings));
  TRY(add_digest(all, context.reader, context.objects, object));
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  std::vector<AttributeId> named;
  for (const auto& attribute : all.all()) {
    if (std::ranges::find(named, attribute.id) != named.end()) continue;
    named.push_back(attribute.id);
    write_attribute_name(out, attribute.id, context.version);
  }
  return {};
}

}  // namespace tapewarden::kmip

#include "kmip/attribute_wire.h"

#include <utility>

#include "base/concat.h"
#include "kmip/attribute_shapes.h"
#include "kmip/limits.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Tag;

constexpr std::size_t kTagBytes = 3;

// The same item under another tag.
Bytes retagged(ByteView encoding, Tag tag) {
  ByteWriter out;
  out.u24(static_cast<std::uint32_t>(tag)).bytes(encoding.subspan(kTagBytes));
  return out.take();
}

std::unexpected<Error> malformed(std::string_view what, std::string_view field) {
  return refuse(ResultReason::kInvalidMessage, std::string(what), std::string(field));
}

Status check_value(const AttributeId& id, const Item& value, ValueFor value_for) {
  const auto* kind = id.kind();
  if (kind == nullptr) return check_vendor_value(value);
  return value_for == ValueFor::kSearch ? check_searched_shape(*kind, value) : check_shape(*kind, value);
}

Result<GivenAttribute> read_named(const Item& item, const ProtocolVersion& version, ValueFor value_for) {
  auto in = TRY(ttlv::Cursor::over(item, tag::kAttribute));
  const auto name = TRY(in.text(tag::kAttributeName, kMaximumTextBytes));
  GivenAttribute out;
  out.id = TRY(AttributeId::of_name(name, version));
  if (in.next_is(tag::kAttributeIndex)) out.index = TRY(in.integer(tag::kAttributeIndex, 0, INT32_MAX));
  const auto value = TRY(in.expect(tag::kAttributeValue));
  TRY(in.finish());
  TRY(check_value(out.id, value, value_for));
  out.item = retagged(value.encoding(), out.id.is_vendor() ? tag::kAttributeValue : out.id.tag);
  return out;
}

Result<AttributeId> vendor_id(std::string_view vendor, std::string_view name) {
  if (vendor.size() > kMaximumAttributeName || name.size() > kMaximumAttributeName || name.empty()) {
    return refuse(ResultReason::kInvalidField,
                  concat("a vendor attribute's name has 1 to ", kMaximumAttributeName, " bytes"),
                  "Attribute Name");
  }
  return AttributeId::of_vendor(vendor, name);
}

Result<GivenAttribute> read_vendor(const Item& item) {
  auto in = TRY(ttlv::Cursor::over(item, tag::kAttribute));
  const auto vendor = TRY(in.text(tag::kVendorIdentification, kMaximumTextBytes));
  const auto name = TRY(in.text(tag::kAttributeName, kMaximumTextBytes));
  const auto value = TRY(in.expect(tag::kAttributeValue));
  TRY(in.finish());
  TRY(check_vendor_value(value));
  return GivenAttribute{TRY(vendor_id(vendor, name)), {}, to_bytes(value.encoding())};
}

}  // namespace

Result<GivenAttribute> read_attribute(const Item& item, const ProtocolVersion& version, ValueFor value_for) {
  if (!version.is_2()) return read_named(item, version, value_for);
  if (item.tag() == tag::kAttribute) return read_vendor(item);
  const auto* kind = attribute_kind(item.tag());
  if (kind == nullptr || !kind->known_to(version)) {
    return refuse(ResultReason::kInvalidAttribute,
                  concat(item.name(), " is no attribute of KMIP ", to_string(version)), item.name());
  }
  const auto id = AttributeId::of(kind->tag);
  TRY(check_value(id, item, value_for));
  return GivenAttribute{id, {}, to_bytes(item.encoding())};
}

Result<std::vector<GivenAttribute>> read_attributes(const Item& item, const ProtocolVersion& version,
                                                    ValueFor value_for) {
  if (!item.is_structure()) return malformed("attributes must be a structure", item.name());
  std::vector<GivenAttribute> out;
  for (const Item child : item.children()) {
    if (!version.is_2() && child.tag() == tag::kName) {
      return refuse(ResultReason::kFeatureNotSupported,
                    "a template is not named here: give the attributes themselves", "Template-Attribute");
    }
    if (out.size() >= kMaximumAttributeValues) {
      return refuse(ResultReason::kServerLimitExceeded,
                    concat("more than ", kMaximumAttributeValues, " attributes"), item.name());
    }
    out.push_back(TRY(read_attribute(child, version, value_for)));
  }
  return out;
}

Result<AttributeId> read_attribute_name(const Item& item, const ProtocolVersion& version) {
  if (!version.is_2()) {
    if (item.tag() != tag::kAttributeName) return malformed("an Attribute Name is missing", item.name());
    return AttributeId::of_name(TRY(item.as_text()), version);
  }
  if (item.tag() != tag::kAttributeReference) {
    return malformed("an Attribute Reference is missing", item.name());
  }
  if (item.is_structure()) {
    auto in = TRY(ttlv::Cursor::over(item, tag::kAttributeReference));
    const auto vendor = TRY(in.text(tag::kVendorIdentification, kMaximumTextBytes));
    const auto name = TRY(in.text(tag::kAttributeName, kMaximumTextBytes));
    TRY(in.finish());
    return vendor_id(vendor, name);
  }
  const Tag named{TRY(item.as_enumeration())};
  const auto* kind = attribute_kind(named);
  if (kind == nullptr || !kind->known_to(version)) {
    return refuse(ResultReason::kInvalidField,
                  concat(ttlv::tag_text(named, tag_name), " is no attribute of KMIP ", to_string(version)),
                  "Attribute Reference");
  }
  return AttributeId::of(named);
}

bool is_known_to(const AttributeId& id, const ProtocolVersion& version) {
  const auto* kind = id.kind();
  if (kind != nullptr) return kind->known_to(version);
  // KMIP 1.x has no other vendors than the client and the server.
  return version.is_2() || id.vendor == "x" || id.vendor == "y";
}

void write_attribute(ttlv::Writer& out, const Attribute& attribute, const ProtocolVersion& version) {
  if (!is_known_to(attribute.id, version)) return;
  if (version.is_2() && !attribute.id.is_vendor()) {
    out.add_encoded(attribute.item);
    return;
  }
  out.begin(tag::kAttribute);
  if (version.is_2()) {
    out.add_text(tag::kVendorIdentification, attribute.id.vendor);
    out.add_text(tag::kAttributeName, attribute.id.name);
  } else {
    out.add_text(tag::kAttributeName, attribute.id.text());
    if (attribute.index != 0) out.add_integer(tag::kAttributeIndex, attribute.index);
  }
  out.add_encoded(retagged(attribute.item, tag::kAttributeValue));
  out.end();
}

void write_attributes(ttlv::Writer& out, Tag tag_1, const AttributeSet& attributes,
                      const ProtocolVersion& version) {
  if (attributes.empty()) return;
  out.begin(version.is_2() ? tag::kAttributes : tag_1);
  for (const auto& attribute : attributes.all()) write_attribute(out, attribute, version);
  out.end();
}

void write_attribute_name(ttlv::Writer& out, const AttributeId& id, const ProtocolVersion& version) {
  if (!is_known_to(id, version)) return;
  if (!version.is_2()) {
    out.add_text(tag::kAttributeName, id.text());
  } else if (id.is_vendor()) {
    out.begin(tag::kAttributeReference);
    out.add_text(tag::kVendorIdentification, id.vendor);
    out.add_text(tag::kAttributeName, id.name);
    out.end();
  } else {
    out.add_enumeration(tag::kAttributeReference, static_cast<std::uint32_t>(id.tag));
  }
}

}  // namespace tapewarden::kmip

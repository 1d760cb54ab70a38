// Attributes in messages: KMIP 1.x's Attribute {Attribute Name, Attribute Index, Attribute Value} and KMIP
// 2.x's items under tags of their own (Specification 1.4 section 2.1.1, 2.1 sections 4 and 7.2). What was
// read is checked: known to the version, of its type, its structure whole. Pure; thread-safe.
//
// All errors are refusals (protocol.h) that name the attribute.
#pragma once

#include <optional>
#include <vector>

#include "kmip/attributes.h"
#include "kmip/protocol.h"
#include "ttlv/cursor.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {

// An attribute as a request gives it.
struct GivenAttribute {
  AttributeId id;
  std::optional<std::int32_t> index;  // 1.x alone has it
  Bytes item;                         // as Attribute::item
};

// What the value is for: to become an object's, whole; or to be searched for, where structures may lack
// fields.
enum class ValueFor : std::uint8_t { kObject, kSearch };

// One attribute: an Attribute of 1.x, or one of the items within Attributes, New Attribute or Current
// Attribute of 2.x.
Result<GivenAttribute> read_attribute(const ttlv::Item& item, const ProtocolVersion& version,
                                      ValueFor value_for = ValueFor::kObject);
// All within a Template-Attribute of 1.x or an Attributes of 2.x. Names of templates are refused: where they
// may stand, server/new_object.h reads them.
Result<std::vector<GivenAttribute>> read_attributes(const ttlv::Item& item, const ProtocolVersion& version,
                                                    ValueFor value_for = ValueFor::kObject);
// An Attribute Name of 1.x or an Attribute Reference of 2.x.
Result<AttributeId> read_attribute_name(const ttlv::Item& item, const ProtocolVersion& version);

// The contrary. Attributes that the version does not know are left out.
void write_attribute(ttlv::Writer& out, const Attribute& attribute, const ProtocolVersion& version);
// Template-Attribute `tag_1` of 1.x, or Attributes of 2.x; nothing when there are none.
void write_attributes(ttlv::Writer& out, ttlv::Tag tag_1, const AttributeSet& attributes,
                      const ProtocolVersion& version);
void write_attribute_name(ttlv::Writer& out, const AttributeId& id, const ProtocolVersion& version);
// Whether clients of that version may see it.
bool is_known_to(const AttributeId& id, const ProtocolVersion& version);

}  // namespace tapewarden::kmip

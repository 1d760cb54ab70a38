// The structures among the attributes, field by field (Specification 1.4 section 3, 2.1 section 4).
// Constants; thread-safe.
#pragma once

#include "kmip/attribute_kinds.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

// The item is of the attribute's type, and a structure has the fields that it must have, each of its type,
// and no others, and none of them twice; texts and numbers are no longer than kMaximumTextBytes. A refusal
// naming the field.
Status check_shape(const AttributeKind& kind, const ttlv::Item& item);
// Likewise of a value that is searched for: of a structure, any of its fields may be missing (Specification
// 1.4 section 4.9, 2.1 section 6.1.28).
Status check_searched_shape(const AttributeKind& kind, const ttlv::Item& item);
// Whether a structure that a client may give has every field that it can have; anything else has.
bool has_every_field(const AttributeKind& kind, const ttlv::Item& item);
// A vendor attribute: any type; a structure holds no structures.
Status check_vendor_value(const ttlv::Item& item);

}  // namespace tapewarden::kmip

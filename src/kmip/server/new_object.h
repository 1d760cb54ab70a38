// What the operations that make objects share: the attributes that a client gives a new object, and those
// that the server adds.
#pragma once

#include "kmip/attribute_wire.h"
#include "kmip/server/operation.h"

namespace tapewarden::kmip {

// The attributes of the payload's Template-Attribute `tag_1` (1.x) or Attributes `tag_2` (2.x); an empty set
// when there are none. Refusals: attributes that a client may not give, or gives twice.
Result<AttributeSet> given_attributes(const OperationContext& context, const ttlv::Item& payload,
                                      ttlv::Tag tag_1, ttlv::Tag tag_2);

// Digest, formats, sensitivity and the like, of a key with that material, where the client gave none.
void add_server_attributes(AttributeSet& attributes, const crypto::SecretBytes& material,
                           KeyFormatType format, bool generated);

// The state that Activation Date asks for.
keymgr::KeyState first_state(const AttributeSet& attributes, WallTime now);

}  // namespace tapewarden::kmip

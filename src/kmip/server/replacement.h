// What Re-key and Re-key Key Pair share (Specification 1.4 sections 4.4 and 4.5, 2.1 sections 6.1.44
// and 6.1.45): the attributes of the new object, and what becomes of the old one.
#pragma once

#include "kmip/server/new_object.h"

namespace tapewarden::kmip {

// What the replacement begins with: the old object's attributes as far as they pass on, with the dates moved
// by the payload's Offset, and those that the request gives in their places. Names pass on; the place on tape
// that the old key is found by (Application Specific Information of a tape library) stays with it, since it
// wrote the cartridge. Refusal: the old object has a replacement already.
Result<AttributeSet> attributes_for_replacement(const OperationContext& context,
                                                const keymgr::ManagedObject& old, const ttlv::Item& payload,
                                                const AttributeSet& given);
// Takes the names off the old object, before the new one is kept.
Result<keymgr::ManagedObject> release_names(OperationContext& context, const keymgr::ManagedObject& old);
// Links the two, after it is.
Status link_replacement(OperationContext& context, const keymgr::ManagedObject& old,
                        const keymgr::ManagedObject& replacement);

}  // namespace tapewarden::kmip

// All attributes of an object as its client sees them: those that are kept with it, those that follow from
// its row, and the Digest of a secret of its own, which is made anew each time: in the row it would let a
// thief of the database guess passwords (ManagedObjects::add). Errors of the keystore.
#pragma once

#include "keymgr/objects/managed_objects.h"
#include "kmip/attributes.h"
#include "kmip/server/settings.h"

namespace tapewarden::kmip {

Result<AttributeSet> all_attributes(store::Reader& reader, const keymgr::ManagedObjects& objects,
                                    const keymgr::ManagedObject& object, const ServerSettings& settings);
// The Digest, where it is not among them: it opens the secret.
Status add_digest(AttributeSet& attributes, store::Reader& reader, const keymgr::ManagedObjects& objects,
                  const keymgr::ManagedObject& object);

}  // namespace tapewarden::kmip

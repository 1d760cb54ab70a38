// All attributes of an object as its client sees them: those that are kept with it, and those that follow
// from its row. Errors of the keystore.
#pragma once

#include "keymgr/objects/managed_objects.h"
#include "kmip/attributes.h"
#include "kmip/server/settings.h"

namespace tapewarden::kmip {

Result<AttributeSet> all_attributes(store::Reader& reader, const keymgr::ManagedObjects& objects,
                                    const keymgr::ManagedObject& object, const ServerSettings& settings);

}  // namespace tapewarden::kmip

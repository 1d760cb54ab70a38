// Symmetric keys that the server makes: for Create, Re-key and Derive Key. Refusals, and errors of the
// keystore.
#pragma once

#include "kmip/server/new_object.h"

namespace tapewarden::kmip {

// A group of KMIP's gives each key once. kConflict: it goes round.
Status check_key_group(store::Reader& reader, const keymgr::KeyManager& manager, std::string_view name);

// The key that those attributes ask for, kept. One of 256 bits for AES is the next of the key group that is
// set for KMIP. REQUIRES: a transaction.
Result<keymgr::ManagedObject> make_symmetric_key(OperationContext& context, AttributeSet attributes);
// One that is drawn, and is no object yet. REQUIRES: what is made of it is kept in this message.
Result<crypto::SecretBytes> draw_symmetric_key(const OperationContext& context,
                                               const AttributeSet& attributes);
// One whose bytes are given.
Result<keymgr::ManagedObject> keep_symmetric_key(OperationContext& context, AttributeSet attributes,
                                                 const crypto::SecretBytes& key, Origin origin);

}  // namespace tapewarden::kmip

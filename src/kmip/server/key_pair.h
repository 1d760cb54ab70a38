// Asymmetric key pairs that the server makes: for Create Key Pair and Re-key Key Pair. Refusals, and errors
// of the keystore.
#pragma once

#include "kmip/server/new_object.h"

namespace tapewarden::kmip {

struct PairWanted {
  AttributeSet private_attributes;
  AttributeSet public_attributes;
};
struct Pair {
  keymgr::ManagedObject private_key;
  keymgr::ManagedObject public_key;
};

// The key that those attributes of a private key ask for.
Result<crypto::AsymmetricKey> draw_key(const AttributeSet& attributes, const ServerSettings& settings);
DrawingWork work_for(AttributeSet attributes, const ServerSettings& settings);  // to draw it
// Makes the pair that Cryptographic Algorithm, Cryptographic Length and Cryptographic Domain Parameters of
// the private key's attributes ask for, and keeps both with links to each other. REQUIRES: a transaction.
Result<Pair> make_pair(OperationContext& context, PairWanted wanted);

// The encoded Link to an object.
Bytes link_item(LinkType type, const keymgr::ManagedObject& to);
// Adds it to `from`, there and in the keystore. REQUIRES: a transaction.
Status add_link(OperationContext& context, keymgr::ManagedObject& from, LinkType type,
                const keymgr::ManagedObject& to);

}  // namespace tapewarden::kmip

// The keys within managed objects, opened for use in an operation. Refusals, and errors of the keystore.
#pragma once

#include "crypto/asymmetric_key.h"
#include "kmip/object_value.h"
#include "kmip/server/operation.h"

namespace tapewarden::kmip {

// What a client would have registered to make the object; of one that Create made it is put together.
Result<Bytes> content_of(const keymgr::ManagedObject& object);

struct OpenedKey {
  crypto::SecretBytes value;  // the encoded Key Value
  KeyBlockTerms terms;
};
// As it is kept: perhaps wrapped. Illegal Object Type: the object is no key.
Result<OpenedKey> open_key(OperationContext& context, const keymgr::ManagedObject& object);
// Likewise, where the terms of its Key Block were read already.
Result<OpenedKey> open_key(OperationContext& context, const keymgr::ManagedObject& object,
                           const KeyBlockTerms& terms);
// Unwrapped, where the wrapping key is an object of the same client.
Result<OpenedKey> open_plain_key(OperationContext& context, const keymgr::ManagedObject& object);

// The bytes of a symmetric key or secret data. Key Format Type Not Supported: it has no such.
Result<crypto::SecretBytes> bytes_of(const OpenedKey& key);
Result<crypto::AsymmetricKey> asymmetric_of(const OpenedKey& key, ObjectType type);

// A form that private keys have, and nothing else.
bool is_private_form(KeyFormatType format);
// The object is a private key, or a part of one: a split key in one of their forms.
bool holds_private_key(const keymgr::ManagedObject& object);
// Private keys, and parts of them, leave only where an officer let the client export. Permission Denied.
Status check_private_may_leave(const OperationContext& context, const keymgr::ManagedObject& object);

// What the object's attributes say of its leaving (Specification 1.4 sections 3.44 and 3.46). Sensitive; Not
// Extractable.
Status check_may_leave(const keymgr::ManagedObject& object, bool wrapped);

// Whether the object may be used so now: its state, its dates and its Cryptographic Usage Mask. `protects`:
// the use begins something (encrypt, sign, wrap), and is over with Protect Stop Date.
struct KeyUse {
  CryptographicUsageMask bit{};
  bool protects = false;
};
Status check_use(OperationContext& context, const keymgr::ManagedObject& object, const KeyUse& use);

// Takes one use, or so many bytes of it, from the object's Usage Limits; nothing is written where it has
// none. Permission Denied: fewer are left. REQUIRES: a transaction.
Status spend(OperationContext& context, const keymgr::ManagedObject& object, std::size_t bytes);
// Likewise, `count` of the object's own units. Usage Limit Exceeded.
Status allocate(OperationContext& context, const keymgr::ManagedObject& object, std::int64_t count);

// An error of crypto/ as the client is told it: Cryptographic Failure and the like.
std::unexpected<Error> crypto_refusal(const Error& error);

}  // namespace tapewarden::kmip

// Keys wrapped by other managed objects of the same client (Specification 1.4 sections 2.1.5 and 2.1.6, 2.1
// sections 3.11 and 7.12): NIST key wrap (RFC 3394), AES key wrap with padding (RFC 5649), and RSA with OAEP
// or PKCS #1. The Key Value is encrypted; MACs and signatures over it are not offered.
#pragma once

#include "kmip/server/key_access.h"

namespace tapewarden::kmip {

struct WrappedKey {
  crypto::SecretBytes value;  // the encoded Key Value
  Bytes data;                 // the encoded Key Wrapping Data
};
// As a Key Wrapping Specification asks. Refusals: Wrapping Object Not Found, the wrapping key is not for that
// or not active, a method or a mode that is not offered.
Result<WrappedKey> wrap_key_value(OperationContext& context, const ttlv::Item& specification,
                                  const OpenedKey& key);
// The contrary: the Key Value that a Key Wrapping Data describes. Cryptographic Failure.
Result<crypto::SecretBytes> unwrap_key_value(OperationContext& context, const ttlv::Item& data,
                                             const OpenedKey& key);

}  // namespace tapewarden::kmip

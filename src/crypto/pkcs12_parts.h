// What the two ways of reading a PKCS#12 file share. Internal to crypto/. Pure; thread-safe.
#pragma once

#include "crypto/openssl_handles.h"

namespace tapewarden::crypto::pkcs12 {

// As C text in secure memory; kInvalidArgument when it holds a NUL and would be cut.
Result<SecretBytes> with_nul(const SecretBytes& passphrase);
const char* c_text(const SecretBytes& with_nul);

// Parsed in the library context that knows old algorithms, its MAC present and of bounded cost.
// kInvalidArgument.
Result<Pkcs12Ptr> parse(ByteView file);
// kWrongKey unless the MAC says that the file is unchanged and the passphrase its own. `phrase`: with_nul().
Status check_passphrase(PKCS12* file, const SecretBytes& phrase);

// Out of the context with the old algorithms into the program's own, by way of secure memory.
Result<PrivateKey> adopt(PkeyPtr key);
Result<Certificate> adopt(const X509* certificate);

std::unexpected<Error> refuse(const char* message);

}  // namespace tapewarden::crypto::pkcs12

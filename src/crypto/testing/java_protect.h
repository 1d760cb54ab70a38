// The writing side of crypto/java_key_protector.h, for tests: files as Java makes them, without Java.
// Thread-safe.
#pragma once

#include "crypto/java_key_protector.h"

namespace tapewarden::crypto::testing {

Bytes java_pbe_der(const JavaPbeParameters& parameters);
// PBEWithMD5AndTripleDES; an implementation of its own, so that it checks the reading one.
Bytes java_protect(std::string_view password, const JavaPbeParameters& parameters, ByteView plain);
// As an EncryptedPrivateKeyInfo.
Bytes java_protected_key(std::string_view password, const JavaPbeParameters& parameters, ByteView pkcs8);

}  // namespace tapewarden::crypto::testing

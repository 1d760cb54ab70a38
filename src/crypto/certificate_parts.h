// Pieces of X.509 certificates that are being made. Internal: only crypto/ includes it. Pure; thread-safe.
#pragma once

#include <vector>

#include "base/env.h"
#include "crypto/certificate_names.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {

using OctetsPtr = OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using SubjectNamePtr = OpensslPtr<X509_NAME, X509_NAME_free>;
void free_extensions(STACK_OF(X509_EXTENSION) * list);
using ExtensionsPtr = OpensslPtr<STACK_OF(X509_EXTENSION), free_extensions>;

ExtensionsPtr new_extensions();
// REQUIRES: `value` is what OpenSSL's configuration files say of such an extension.
void add_extension_text(STACK_OF(X509_EXTENSION) * list, int nid, const char* value);
void add_extension(STACK_OF(X509_EXTENSION) * list, int nid, void* value);
void add_authority_id(STACK_OF(X509_EXTENSION) * list, const ASN1_OCTET_STRING* key_id);
void add_extensions(X509* certificate, const STACK_OF(X509_EXTENSION) * list);

OctetsPtr octets_of(ByteView bytes);
// Names a key: the first 160 bits of the SHA-256 of its SubjectPublicKeyInfo.
OctetsPtr key_id(ByteView spki);

std::vector<NamePart> name_parts_of(const X509_NAME* name);

// 128 random bits.
void set_serial(X509* certificate, Random& random);
// False: a certificate cannot say such times.
bool set_times(X509* certificate, WallTime not_before, WallTime not_after);

}  // namespace tapewarden::crypto

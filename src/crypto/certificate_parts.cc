#include "crypto/certificate_parts.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "crypto/hash.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kKeyIdBytes = 20;  // RFC 7093 section 2, method 1

using IntegerPtr = OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free>;
using AuthorityIdPtr = OpensslPtr<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;

}  // namespace

void free_extensions(STACK_OF(X509_EXTENSION) * list) {
  sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

ExtensionsPtr new_extensions() {
  ExtensionsPtr list(sk_X509_EXTENSION_new_null());
  TW_ASSERT(list != nullptr);
  return list;
}

void add_extension_text(STACK_OF(X509_EXTENSION) * list, int nid, const char* value) {
  ExtensionPtr extension(X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value));
  TW_ASSERT(extension != nullptr && X509v3_add_ext(&list, extension.get(), -1) != nullptr);
}

void add_extension(STACK_OF(X509_EXTENSION) * list, int nid, void* value) {
  TW_ASSERT(X509V3_add1_i2d(&list, nid, value, 0, X509V3_ADD_DEFAULT) == 1);
}

void add_authority_id(STACK_OF(X509_EXTENSION) * list, const ASN1_OCTET_STRING* key_id) {
  const AuthorityIdPtr authority(AUTHORITY_KEYID_new());
  TW_ASSERT(authority != nullptr);
  authority->keyid = ASN1_OCTET_STRING_dup(key_id);
  TW_ASSERT(authority->keyid != nullptr);
  add_extension(list, NID_authority_key_identifier, authority.get());
}

void add_extensions(X509* certificate, const STACK_OF(X509_EXTENSION) * list) {
  for (int i = 0; i < sk_X509_EXTENSION_num(list); ++i) {
    TW_ASSERT(X509_add_ext(certificate, sk_X509_EXTENSION_value(list, i), -1) == 1);
  }
}

OctetsPtr octets_of(ByteView bytes) {
  OctetsPtr octets(ASN1_OCTET_STRING_new());
  TW_ASSERT(octets != nullptr &&
            ASN1_OCTET_STRING_set(octets.get(), bytes.data(), static_cast<int>(bytes.size())) == 1);
  return octets;
}

OctetsPtr key_id(ByteView spki) {
  const auto hash = sha256(spki);
  return octets_of(ByteView(hash).first(kKeyIdBytes));
}

void set_serial(X509* certificate, Random& random) {
  std::array<std::uint8_t, kSerialBytes> serial;
  random.fill(serial);
  if (std::ranges::all_of(serial, [](auto byte) { return byte == 0; }))
    serial.back() = 1;  // must be positive
  const BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  TW_ASSERT(number != nullptr);
  const IntegerPtr integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
  TW_ASSERT(integer != nullptr && X509_set_serialNumber(certificate, integer.get()) == 1);
}

// UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5); ASN1_TIME_set() picks.
bool set_times(X509* certificate, WallTime not_before, WallTime not_after) {
  const auto seconds = [](WallTime time) {
    return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(not_before)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(not_after)) != nullptr;
}

}  // namespace tapewarden::crypto

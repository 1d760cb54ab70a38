#include "crypto/certificate_names.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include "base/assert.h"
#include "crypto/certificate_parts.h"

namespace tapewarden::crypto {
namespace {

Bytes der_of(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t size = 0;
  TW_ASSERT(X509_NAME_get0_der(name, &der, &size) == 1);
  return to_bytes(ByteView(der, size));
}

}  // namespace

std::vector<NamePart> name_parts_of(const X509_NAME* name) {
  std::vector<NamePart> out;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const auto* entry = X509_NAME_get_entry(name, i);
    const int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    if (size < 0) continue;
    const ByteView view(text, static_cast<std::size_t>(size));
    if (kind != NID_undef) out.push_back({OBJ_nid2sn(kind), std::string(as_text(view))});
    OPENSSL_free(text);
  }
  return out;
}

CertificateNames names_of(const Certificate& certificate) {
  const ErrorScope errors;
  const auto* handle = CertificateAccess::handle(certificate);
  const auto* subject = X509_get_subject_name(handle);
  const auto* issuer = X509_get_issuer_name(handle);
  const auto* serial = X509_get0_serialNumber(handle);
  CertificateNames out{
      name_parts_of(subject), name_parts_of(issuer), der_of(subject), der_of(issuer), {}, {}};
  out.serial =
      to_bytes(ByteView(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))));
  const int signature = X509_get_signature_nid(handle);
  if (signature != NID_undef) out.signature_algorithm = OBJ_nid2sn(signature);
  return out;
}

}  // namespace tapewarden::crypto

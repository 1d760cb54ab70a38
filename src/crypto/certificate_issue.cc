// Making certificates and requests (RFC 5280, PKCS#10).
#include <algorithm>
#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <string>

#include "crypto/certificate.h"
#include "crypto/certificate_parts.h"
#include "crypto/certificate_renewal.h"
#include "crypto/openssl_handles.h"

namespace tapewarden::crypto {
namespace {

constexpr std::size_t kNameLimit = 64;      // ub-common-name, RFC 5280 appendix A.1
constexpr std::size_t kDnsNameLimit = 253;  // RFC 1035 section 2.3.4, as text
constexpr std::size_t kAlternativeLimit = 64;

using NamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using NamePtr = OpensslPtr<GENERAL_NAME, GENERAL_NAME_free>;

std::unexpected<Error> refuse(const char* message, const char* field) {
  return fail(ErrorCode::kInvalidArgument, message, field);
}

// What a certificate's extensions say for each use.
struct UseRules {
  const char* constraints;
  const char* key_usage;
  const char* extended;  // or null
};
UseRules rules_of(CertificateUse use) {
  switch (use) {
    case CertificateUse::kAuthority:
      return {"critical,CA:TRUE", "critical,keyCertSign,cRLSign", nullptr};
    case CertificateUse::kServerAndClient:
      return {"critical,CA:FALSE", "critical,digitalSignature", "serverAuth,clientAuth"};
    case CertificateUse::kClient:
      return {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth"};
    case CertificateUse::kSigning:
      return {"critical,CA:FALSE", "critical,digitalSignature", nullptr};
    case CertificateUse::kKeyWrapping:
      return {"critical,CA:FALSE", "critical,keyEncipherment", nullptr};
  }
  TW_ASSERT(false);
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

bool is_dns_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
  };
  return !text.empty() && text.size() <= kDnsNameLimit && std::ranges::all_of(text, allowed);
}

// False when the text is no UTF-8 or longer than the field allows.
bool add_to_name(X509_NAME* name, int nid, std::string_view text) {
  return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, as_bytes(text).data(),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

Result<SubjectNamePtr> make_name(const CertificateSpec& spec) {
  SubjectNamePtr name(X509_NAME_new());
  TW_ASSERT(name != nullptr);
  const auto& unit = spec.organizational_unit;
  if (!unit.empty() && (!is_name(unit) || unit.size() > 4 * kNameLimit ||
                        !add_to_name(name.get(), NID_organizationalUnitName, unit)))
    return refuse("The unit is no text of at most 64 characters.", "organizational_unit");
  const auto& common = spec.common_name;
  if (!is_name(common) || common.size() > 4 * kNameLimit || !add_to_name(name.get(), NID_commonName, common))
    return refuse("The name is no text of 1 to 64 characters.", "common_name");
  return name;
}

void append_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  TW_ASSERT(value != nullptr);
  NamePtr name(GENERAL_NAME_new());
  TW_ASSERT(name != nullptr);
  GENERAL_NAME_set0_value(name.get(), type, value);
  TW_ASSERT(sk_GENERAL_NAME_push(names, name.release()) > 0);
}

// Null without any name.
Result<NamesPtr> alternative_names(const CertificateSpec& spec) {
  if (spec.dns_names.empty() && spec.ip_addresses.empty()) return NamesPtr();
  if (spec.dns_names.size() + spec.ip_addresses.size() > kAlternativeLimit)
    return refuse("There are more names than a certificate takes.", "dns_names");
  NamesPtr names(GENERAL_NAMES_new());
  TW_ASSERT(names != nullptr);
  for (const auto& dns : spec.dns_names) {
    if (!is_dns_name(dns)) return refuse("This is no DNS name.", "dns_names");
    ASN1_STRING* text = ASN1_STRING_type_new(V_ASN1_IA5STRING);
    TW_ASSERT(text != nullptr && ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size())) == 1);
    append_name(names.get(), GEN_DNS, text);
  }
  for (const auto& address : spec.ip_addresses) {
    ASN1_OCTET_STRING* octets = a2i_IPADDRESS(address.c_str());
    if (octets == nullptr) return refuse("This is no IP address.", "ip_addresses");
    append_name(names.get(), GEN_IPADD, octets);
  }
  return names;
}

ExtensionsPtr extensions_for(const UseRules& rules, GENERAL_NAMES* alternatives, const PublicKey& subject,
                             const ASN1_OCTET_STRING* authority_id) {
  auto list = new_extensions();
  add_extension_text(list.get(), NID_basic_constraints, rules.constraints);
  add_extension_text(list.get(), NID_key_usage, rules.key_usage);
  if (rules.extended != nullptr) add_extension_text(list.get(), NID_ext_key_usage, rules.extended);
  if (alternatives != nullptr) add_extension(list.get(), NID_subject_alt_name, alternatives);
  add_extension(list.get(), NID_subject_key_identifier, key_id(subject.spki()).get());
  if (authority_id != nullptr) add_authority_id(list.get(), authority_id);
  return list;
}

struct Issuer {
  const X509_NAME* name;  // null: the subject itself
  const ASN1_OCTET_STRING* key_id;
  const PrivateKey& key;
};

Result<Certificate> make_certificate(const CertificateSpec& spec, const PublicKey& subject,
                                     const Issuer& issuer, Random& random) {
  const ErrorScope errors;
  if (spec.not_after <= spec.not_before)
    return refuse("The certificate would end before it begins.", "not_after");
  const auto name = TRY(make_name(spec));
  const auto alternatives = TRY(alternative_names(spec));
  X509Ptr certificate(X509_new());
  TW_ASSERT(certificate != nullptr);
  X509* raw = certificate.get();
  TW_ASSERT(X509_set_version(raw, X509_VERSION_3) == 1);
  set_serial(raw, random);
  TW_ASSERT(X509_set_subject_name(raw, name.get()) == 1);
  TW_ASSERT(X509_set_issuer_name(raw, issuer.name != nullptr ? issuer.name : name.get()) == 1);
  if (!set_times(raw, spec.not_before, spec.not_after))
    return refuse("The time cannot be said in a certificate.", "not_after");
  TW_ASSERT(X509_set_pubkey(raw, KeyAccess::handle(subject)) == 1);
  const auto list = extensions_for(rules_of(spec.use), alternatives.get(), subject, issuer.key_id);
  add_extensions(raw, list.get());
  TW_ASSERT(X509_sign(raw, KeyAccess::handle(issuer.key), EVP_sha256()) > 0);
  // Parsed anew from its encoding, so that what is handed out is what a peer will read.
  return Certificate::from_der(CertificateAccess::make(std::move(certificate)).der());
}

}  // namespace

Result<Certificate> issue_certificate(const CertificateSpec& spec, const PublicKey& subject,
                                      const Certificate& authority, const PrivateKey& authority_key,
                                      Random& random) {
  X509* issuer = CertificateAccess::handle(authority);
  if (!authority.is_authority()) return refuse("This certificate may not issue others.", "authority");
  if (TRY(authority.public_key()) != authority_key.public_key())
    return refuse("The key is not that of the authority's certificate.", "authority");
  return make_certificate(spec, subject,
                          {X509_get_subject_name(issuer), X509_get0_subject_key_id(issuer), authority_key},
                          random);
}

Result<Certificate> renew_certificate(const Certificate& certificate, WallTime not_before, WallTime not_after,
                                      const Certificate& authority, const PrivateKey& authority_key,
                                      Random& random) {
  const ErrorScope errors;
  if (not_after <= not_before) return refuse("The certificate would end before it begins.", "not_after");
  if (!certificate.signed_by(authority))
    return refuse("Another authority issued this certificate.", "authority");
  if (TRY(authority.public_key()) != authority_key.public_key())
    return refuse("The key is not that of the authority's certificate.", "authority");
  X509Ptr renewed(X509_dup(CertificateAccess::handle(certificate)));
  TW_ASSERT(renewed != nullptr);
  set_serial(renewed.get(), random);
  if (!set_times(renewed.get(), not_before, not_after))
    return refuse("The time cannot be said in a certificate.", "not_after");
  TW_ASSERT(X509_sign(renewed.get(), KeyAccess::handle(authority_key), EVP_sha256()) > 0);
  return Certificate::from_der(CertificateAccess::make(std::move(renewed)).der());
}

Result<Certificate> self_signed_certificate(const CertificateSpec& spec, const PrivateKey& key,
                                            Random& random) {
  const auto subject = key.public_key();
  const auto own_id = key_id(subject.spki());
  return make_certificate(spec, subject, {nullptr, own_id.get(), key}, random);
}

Result<std::string> make_certificate_request(const CertificateSpec& spec, const PrivateKey& key) {
  const ErrorScope errors;
  const auto name = TRY(make_name(spec));
  const auto alternatives = TRY(alternative_names(spec));
  const X509RequestPtr request(X509_REQ_new());
  TW_ASSERT(request != nullptr);
  TW_ASSERT(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1);
  TW_ASSERT(X509_REQ_set_subject_name(request.get(), name.get()) == 1);
  TW_ASSERT(X509_REQ_set_pubkey(request.get(), KeyAccess::handle(key.public_key())) == 1);
  if (alternatives != nullptr) {
    const auto list = new_extensions();
    add_extension(list.get(), NID_subject_alt_name, alternatives.get());
    TW_ASSERT(X509_REQ_add_extensions(request.get(), list.get()) == 1);
  }
  TW_ASSERT(X509_REQ_sign(request.get(), KeyAccess::handle(key), EVP_sha256()) > 0);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  TW_ASSERT(bio != nullptr && PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<CertificateRequest> read_certificate_request(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kEncodedLimit) return refuse("The request is too long.", "request");
  const auto bio = reading_bio(as_bytes(pem));
  const X509RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) return refuse("The text holds no certificate request in PEM.", "request");
  PkeyPtr key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr || X509_REQ_verify(request.get(), key.get()) != 1)
    return refuse("The certificate request is not signed by its own key.", "request");
  CertificateRequest out;
  out.common_name = common_name_of(X509_REQ_get_subject_name(request.get()));
  if (out.common_name.empty()) return refuse("The certificate request names nobody.", "request");
  out.public_key = TRY(KeyAccess::make_public(std::move(key)));
  return out;
}

}  // namespace tapewarden::crypto

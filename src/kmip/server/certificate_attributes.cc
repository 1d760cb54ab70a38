#include "kmip/server/certificate_attributes.h"

#include <algorithm>
#include <utility>

#include "crypto/certificate_names.h"
#include "kmip/enumerations.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {
namespace {

using crypto::NamePart;
using ttlv::Tag;

struct PartTags {
  std::string_view key;
  Tag subject;
  Tag issuer;
};
constexpr PartTags kParts[] = {
    {"CN", tag::kCertificateSubjectCN, tag::kCertificateIssuerCN},
    {"O", tag::kCertificateSubjectO, tag::kCertificateIssuerO},
    {"OU", tag::kCertificateSubjectOU, tag::kCertificateIssuerOU},
    {"emailAddress", tag::kCertificateSubjectEmail, tag::kCertificateIssuerEmail},
    {"C", tag::kCertificateSubjectC, tag::kCertificateIssuerC},
    {"ST", tag::kCertificateSubjectST, tag::kCertificateIssuerST},
    {"L", tag::kCertificateSubjectL, tag::kCertificateIssuerL},
    {"UID", tag::kCertificateSubjectUID, tag::kCertificateIssuerUID},
    {"serialNumber", tag::kCertificateSubjectSerialNumber, tag::kCertificateIssuerSerialNumber},
    {"title", tag::kCertificateSubjectTitle, tag::kCertificateIssuerTitle},
    {"DC", tag::kCertificateSubjectDC, tag::kCertificateIssuerDC},
    {"dnQualifier", tag::kCertificateSubjectDNQualifier, tag::kCertificateIssuerDNQualifier},
};

struct Signature {
  std::string_view name;
  DigitalSignatureAlgorithm algorithm;
};
constexpr Signature kSignatures[] = {
    {"RSA-MD5", DigitalSignatureAlgorithm::kMD5WithRSAEncryption},
    {"RSA-SHA1", DigitalSignatureAlgorithm::kSHA_1WithRSAEncryption},
    {"RSA-SHA224", DigitalSignatureAlgorithm::kSHA_224WithRSAEncryption},
    {"RSA-SHA256", DigitalSignatureAlgorithm::kSHA_256WithRSAEncryption},
    {"RSA-SHA384", DigitalSignatureAlgorithm::kSHA_384WithRSAEncryption},
    {"RSA-SHA512", DigitalSignatureAlgorithm::kSHA_512WithRSAEncryption},
    {"RSASSA-PSS", DigitalSignatureAlgorithm::kRSASSA_PSS},
    {"DSA-SHA1", DigitalSignatureAlgorithm::kDSAWithSHA_1},
    {"dsa_with_SHA224", DigitalSignatureAlgorithm::kDSAWithSHA224},
    {"dsa_with_SHA256", DigitalSignatureAlgorithm::kDSAWithSHA256},
    {"ecdsa-with-SHA1", DigitalSignatureAlgorithm::kECDSAWithSHA_1},
    {"ecdsa-with-SHA224", DigitalSignatureAlgorithm::kECDSAWithSHA224},
    {"ecdsa-with-SHA256", DigitalSignatureAlgorithm::kECDSAWithSHA256},
    {"ecdsa-with-SHA384", DigitalSignatureAlgorithm::kECDSAWithSHA384},
    {"ecdsa-with-SHA512", DigitalSignatureAlgorithm::kECDSAWithSHA512},
};

// "CN=library,O=Site", in the order of the certificate.
std::string line_of(const std::vector<NamePart>& parts) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += ',';
    out += part.key + '=' + part.value;
  }
  return out;
}

void set(AttributeSet& attributes, Tag tag, Bytes item) {
  attributes.set(AttributeId::of(tag), std::move(item));
}

// KMIP 1.0 has names as texts, 1.1 to 1.4 have them as DER besides, 2.x has them part by part.
void add_structures(AttributeSet& attributes, const crypto::CertificateNames& names) {
  const auto structure = [](Tag tag, auto fill) {
    ttlv::Writer out;
    out.begin(tag);
    fill(out);
    return out.end().take();
  };
  set(attributes, tag::kCertificateIdentifier, structure(tag::kCertificateIdentifier, [&](ttlv::Writer& out) {
        out.add_text(tag::kIssuer, line_of(names.issuer)).add_text(tag::kSerialNumber, to_hex(names.serial));
      }));
  set(attributes, tag::kCertificateSubject, structure(tag::kCertificateSubject, [&](ttlv::Writer& out) {
        out.add_text(tag::kCertificateSubjectDistinguishedName, line_of(names.subject));
      }));
  set(attributes, tag::kCertificateIssuer, structure(tag::kCertificateIssuer, [&](ttlv::Writer& out) {
        out.add_text(tag::kCertificateIssuerDistinguishedName, line_of(names.issuer));
      }));
  set(attributes, tag::kX_509CertificateIdentifier,
      structure(tag::kX_509CertificateIdentifier, [&](ttlv::Writer& out) {
        out.add_bytes(tag::kIssuerDistinguishedName, names.issuer_der);
        out.add_bytes(tag::kCertificateSerialNumber, names.serial);
      }));
  set(attributes, tag::kX_509CertificateSubject,
      structure(tag::kX_509CertificateSubject, [&](ttlv::Writer& out) {
        out.add_bytes(tag::kSubjectDistinguishedName, names.subject_der);
      }));
  set(attributes, tag::kX_509CertificateIssuer,
      structure(tag::kX_509CertificateIssuer,
                [&](ttlv::Writer& out) { out.add_bytes(tag::kIssuerDistinguishedName, names.issuer_der); }));
}

void add_parts(AttributeSet& attributes, const std::vector<NamePart>& parts, Tag PartTags::* which) {
  for (const auto& part : parts) {
    const auto* found = std::ranges::find(kParts, part.key, &PartTags::key);
    if (found == std::end(kParts)) continue;
    attributes.add(AttributeId::of(found->*which), text_item(found->*which, part.value));
  }
}

}  // namespace

Status add_certificate_attributes(AttributeSet& attributes, ByteView certificate) {
  const auto parsed = crypto::Certificate::from_der(certificate);
  if (!parsed) {
    return refuse(ResultReason::kInvalidField, "this is no X.509 certificate", "Certificate Value");
  }
  const auto names = crypto::names_of(*parsed);
  set(attributes, tag::kCertificateLength,
      integer_item(tag::kCertificateLength, static_cast<std::int32_t>(certificate.size())));
  add_structures(attributes, names);
  add_parts(attributes, names.subject, &PartTags::subject);
  add_parts(attributes, names.issuer, &PartTags::issuer);
  const auto* signature = std::ranges::find(kSignatures, names.signature_algorithm, &Signature::name);
  if (signature != std::end(kSignatures)) {
    set(attributes, tag::kDigitalSignatureAlgorithm,
        enumeration_item(tag::kDigitalSignatureAlgorithm, static_cast<std::uint32_t>(signature->algorithm)));
  }
  return {};
}

}  // namespace tapewarden::kmip

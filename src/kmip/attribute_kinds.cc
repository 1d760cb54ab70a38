#include "kmip/attribute_kinds.h"

#include <algorithm>
#include <unordered_map>

#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Type;
constexpr ProtocolVersion k10{1, 0};
constexpr ProtocolVersion k11{1, 1};
constexpr ProtocolVersion k12{1, 2};
constexpr ProtocolVersion k13{1, 3};
constexpr ProtocolVersion k14{1, 4};
constexpr ProtocolVersion k20{2, 0};
constexpr ProtocolVersion k21{2, 1};
constexpr bool kOne = false;
constexpr bool kMany = true;
using enum ClientMay;

constexpr AttributeKind kKinds[] = {
    {tag::kUniqueIdentifier, "Unique Identifier", Type::kTextString, k10, k21, kOne, kRead},
    {tag::kShortUniqueIdentifier, "Short Unique Identifier", Type::kByteString, k20, k21, kOne, kRead},
    {tag::kName, "Name", Type::kStructure, k10, k21, kMany, kDelete},
    {tag::kObjectType, "Object Type", Type::kEnumeration, k10, k21, kOne, kRead},
    {tag::kCryptographicAlgorithm, "Cryptographic Algorithm", Type::kEnumeration, k10, k21, kOne, kCreate},
    {tag::kCryptographicLength, "Cryptographic Length", Type::kInteger, k10, k21, kOne, kCreate},
    {tag::kCryptographicParameters, "Cryptographic Parameters", Type::kStructure, k10, k21, kMany, kDelete},
    {tag::kCryptographicDomainParameters, "Cryptographic Domain Parameters", Type::kStructure, k10, k21, kOne,
     kCreate},
    {tag::kCertificateType, "Certificate Type", Type::kEnumeration, k10, k21, kOne, kCreate},
    {tag::kCertificateLength, "Certificate Length", Type::kInteger, k11, k21, kOne, kRead},
    {tag::kX_509CertificateIdentifier, "X.509 Certificate Identifier", Type::kStructure, k11, k21, kOne,
     kRead},
    {tag::kX_509CertificateSubject, "X.509 Certificate Subject", Type::kStructure, k11, k21, kOne, kRead},
    {tag::kX_509CertificateIssuer, "X.509 Certificate Issuer", Type::kStructure, k11, k21, kOne, kRead},
    {tag::kCertificateIdentifier, "Certificate Identifier", Type::kStructure, k10, k14, kOne, kRead},
    {tag::kCertificateSubject, "Certificate Subject", Type::kStructure, k10, k14, kOne, kRead},
    {tag::kCertificateIssuer, "Certificate Issuer", Type::kStructure, k10, k14, kOne, kRead},
    {tag::kCertificateSubjectCN, "Certificate Subject CN", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectO, "Certificate Subject O", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectOU, "Certificate Subject OU", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectEmail, "Certificate Subject Email", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectC, "Certificate Subject C", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectST, "Certificate Subject ST", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectL, "Certificate Subject L", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectUID, "Certificate Subject UID", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectSerialNumber, "Certificate Subject Serial Number", Type::kTextString, k20, k21,
     kMany, kRead},
    {tag::kCertificateSubjectTitle, "Certificate Subject Title", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectDC, "Certificate Subject DC", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateSubjectDNQualifier, "Certificate Subject DN Qualifier", Type::kTextString, k20, k21,
     kMany, kRead},
    {tag::kCertificateIssuerCN, "Certificate Issuer CN", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerO, "Certificate Issuer O", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerOU, "Certificate Issuer OU", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerEmail, "Certificate Issuer Email", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerC, "Certificate Issuer C", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerST, "Certificate Issuer ST", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerL, "Certificate Issuer L", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerUID, "Certificate Issuer UID", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerSerialNumber, "Certificate Issuer Serial Number", Type::kTextString, k20, k21,
     kMany, kRead},
    {tag::kCertificateIssuerTitle, "Certificate Issuer Title", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerDC, "Certificate Issuer DC", Type::kTextString, k20, k21, kMany, kRead},
    {tag::kCertificateIssuerDNQualifier, "Certificate Issuer DN Qualifier", Type::kTextString, k20, k21,
     kMany, kRead},
    {tag::kDigitalSignatureAlgorithm, "Digital Signature Algorithm", Type::kEnumeration, k11, k21, kMany,
     kRead},
    {tag::kDigest, "Digest", Type::kStructure, k10, k21, kMany, kRead},
    {tag::kOperationPolicyName, "Operation Policy Name", Type::kTextString, k10, k14, kOne, kCreate},
    {tag::kCryptographicUsageMask, "Cryptographic Usage Mask", Type::kInteger, k10, k21, kOne, kCreate},
    {tag::kLeaseTime, "Lease Time", Type::kInterval, k10, k21, kOne, kRead},
    {tag::kUsageLimits, "Usage Limits", Type::kStructure, k10, k21, kOne, kDelete},
    {tag::kState, "State", Type::kEnumeration, k10, k21, kOne, kRead},
    {tag::kInitialDate, "Initial Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kActivationDate, "Activation Date", Type::kDateTime, k10, k21, kOne, kModify},
    {tag::kProcessStartDate, "Process Start Date", Type::kDateTime, k10, k21, kOne, kModify},
    {tag::kProtectStopDate, "Protect Stop Date", Type::kDateTime, k10, k21, kOne, kModify},
    {tag::kDeactivationDate, "Deactivation Date", Type::kDateTime, k10, k21, kOne, kModify},
    {tag::kDestroyDate, "Destroy Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kCompromiseOccurrenceDate, "Compromise Occurrence Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kCompromiseDate, "Compromise Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kRevocationReason, "Revocation Reason", Type::kStructure, k10, k21, kOne, kRead},
    {tag::kArchiveDate, "Archive Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kObjectGroup, "Object Group", Type::kTextString, k10, k21, kMany, kDelete},
    {tag::kFresh, "Fresh", Type::kBoolean, k11, k21, kOne, kCreate},
    {tag::kLink, "Link", Type::kStructure, k10, k21, kMany, kDelete},
    {tag::kApplicationSpecificInformation, "Application Specific Information", Type::kStructure, k10, k21,
     kMany, kDelete},
    {tag::kContactInformation, "Contact Information", Type::kTextString, k10, k21, kOne, kDelete},
    {tag::kLastChangeDate, "Last Change Date", Type::kDateTime, k10, k21, kOne, kRead},
    {tag::kAlternativeName, "Alternative Name", Type::kStructure, k12, k21, kMany, kDelete},
    {tag::kKeyValuePresent, "Key Value Present", Type::kBoolean, k12, k21, kOne, kRead},
    {tag::kKeyValueLocation, "Key Value Location", Type::kStructure, k12, k21, kMany, kDelete},
    {tag::kOriginalCreationDate, "Original Creation Date", Type::kDateTime, k12, k21, kOne, kCreate},
    {tag::kRandomNumberGenerator, "Random Number Generator", Type::kStructure, k13, k21, kOne, kRead},
    {tag::kPKCS_12FriendlyName, "PKCS#12 Friendly Name", Type::kTextString, k14, k21, kOne, kDelete},
    {tag::kDescription, "Description", Type::kTextString, k14, k21, kOne, kDelete},
    {tag::kComment, "Comment", Type::kTextString, k14, k21, kOne, kDelete},
    {tag::kSensitive, "Sensitive", Type::kBoolean, k14, k21, kOne, kModify},
    {tag::kAlwaysSensitive, "Always Sensitive", Type::kBoolean, k14, k21, kOne, kRead},
    {tag::kExtractable, "Extractable", Type::kBoolean, k14, k21, kOne, kModify},
    {tag::kNeverExtractable, "Never Extractable", Type::kBoolean, k14, k21, kOne, kRead},
    {tag::kKeyFormatType, "Key Format Type", Type::kEnumeration, k20, k21, kOne, kRead},
    {tag::kNISTKeyType, "NIST Key Type", Type::kEnumeration, k20, k21, kMany, kDelete},
    {tag::kOpaqueDataType, "Opaque Data Type", Type::kEnumeration, k20, k21, kOne, kRead},
    {tag::kProtectionLevel, "Protection Level", Type::kEnumeration, k20, k21, kOne, kDelete},
    {tag::kProtectionPeriod, "Protection Period", Type::kInterval, k20, k21, kOne, kDelete},
    {tag::kProtectionStorageMask, "Protection Storage Mask", Type::kInteger, k20, k21, kOne, kRead},
    {tag::kQuantumSafe, "Quantum Safe", Type::kBoolean, k20, k21, kOne, kCreate},
    {tag::kRotateAutomatic, "Rotate Automatic", Type::kBoolean, k21, k21, kOne, kDelete},
    {tag::kRotateDate, "Rotate Date", Type::kDateTime, k21, k21, kOne, kRead},
    {tag::kRotateGeneration, "Rotate Generation", Type::kInteger, k21, k21, kOne, kRead},
    {tag::kRotateInterval, "Rotate Interval", Type::kInterval, k21, k21, kOne, kDelete},
    {tag::kRotateLatest, "Rotate Latest", Type::kBoolean, k21, k21, kOne, kRead},
    {tag::kRotateName, "Rotate Name", Type::kStructure, k21, k21, kOne, kDelete},
    {tag::kRotateOffset, "Rotate Offset", Type::kInterval, k21, k21, kOne, kDelete},
};

}  // namespace

std::span<const AttributeKind> attribute_kinds() {
  return kKinds;
}

const AttributeKind* attribute_kind(ttlv::Tag tag) {
  static const auto kByTag = [] {
    std::unordered_map<std::uint32_t, const AttributeKind*> out;
    for (const auto& kind : kKinds) out.emplace(static_cast<std::uint32_t>(kind.tag), &kind);
    return out;
  }();
  const auto found = kByTag.find(static_cast<std::uint32_t>(tag));
  return found != kByTag.end() ? found->second : nullptr;
}

const AttributeKind* attribute_kind(std::string_view name) {
  const auto* found = std::ranges::find(kKinds, name, &AttributeKind::name);
  return found != std::end(kKinds) ? found : nullptr;
}

}  // namespace tapewarden::kmip

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

// A part of the name of a certificate's subject or issuer.
constexpr AttributeKind part_of_name(ttlv::Tag tag, std::string_view name) {
  return {tag, name, Type::kTextString, k20, k21, kMany, kRead};
}

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
    part_of_name(tag::kCertificateSubjectCN, "Certificate Subject CN"),
    part_of_name(tag::kCertificateSubjectO, "Certificate Subject O"),
    part_of_name(tag::kCertificateSubjectOU, "Certificate Subject OU"),
    part_of_name(tag::kCertificateSubjectEmail, "Certificate Subject Email"),
    part_of_name(tag::kCertificateSubjectC, "Certificate Subject C"),
    part_of_name(tag::kCertificateSubjectST, "Certificate Subject ST"),
    part_of_name(tag::kCertificateSubjectL, "Certificate Subject L"),
    part_of_name(tag::kCertificateSubjectUID, "Certificate Subject UID"),
    part_of_name(tag::kCertificateSubjectSerialNumber, "Certificate Subject Serial Number"),
    part_of_name(tag::kCertificateSubjectTitle, "Certificate Subject Title"),
    part_of_name(tag::kCertificateSubjectDC, "Certificate Subject DC"),
    part_of_name(tag::kCertificateSubjectDNQualifier, "Certificate Subject DN Qualifier"),
    part_of_name(tag::kCertificateIssuerCN, "Certificate Issuer CN"),
    part_of_name(tag::kCertificateIssuerO, "Certificate Issuer O"),
    part_of_name(tag::kCertificateIssuerOU, "Certificate Issuer OU"),
    part_of_name(tag::kCertificateIssuerEmail, "Certificate Issuer Email"),
    part_of_name(tag::kCertificateIssuerC, "Certificate Issuer C"),
    part_of_name(tag::kCertificateIssuerST, "Certificate Issuer ST"),
    part_of_name(tag::kCertificateIssuerL, "Certificate Issuer L"),
    part_of_name(tag::kCertificateIssuerUID, "Certificate Issuer UID"),
    part_of_name(tag::kCertificateIssuerSerialNumber, "Certificate Issuer Serial Number"),
    part_of_name(tag::kCertificateIssuerTitle, "Certificate Issuer Title"),
    part_of_name(tag::kCertificateIssuerDC, "Certificate Issuer DC"),
    part_of_name(tag::kCertificateIssuerDNQualifier, "Certificate Issuer DN Qualifier"),
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

#include "kmip/server/certificate_subject.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/certification.h"
#include "kmip/attribute_wire.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;

struct SubjectPart {
  ttlv::Tag tag;
  std::string_view key;
};
// In the order in which they stand in the subject.
constexpr SubjectPart kParts[] = {{tag::kCertificateSubjectC, "C"},
                                  {tag::kCertificateSubjectST, "ST"},
                                  {tag::kCertificateSubjectL, "L"},
                                  {tag::kCertificateSubjectDC, "DC"},
                                  {tag::kCertificateSubjectO, "O"},
                                  {tag::kCertificateSubjectOU, "OU"},
                                  {tag::kCertificateSubjectTitle, "title"},
                                  {tag::kCertificateSubjectDNQualifier, "dnQualifier"},
                                  {tag::kCertificateSubjectSerialNumber, "serialNumber"},
                                  {tag::kCertificateSubjectUID, "UID"},
                                  {tag::kCertificateSubjectCN, "CN"},
                                  {tag::kCertificateSubjectEmail, "emailAddress"}};

// The units of this site's own certificates (docs/operating/site.md).
constexpr std::string_view kOwnUnits[] = {"keyd", "proxy", "drive", "people", "kek"};

std::unexpected<Error> no_subject(std::string_view field) {
  return refuse(ResultReason::kInvalidAttributeValue, "this names nobody a certificate could be for",
                std::string(field));
}

struct Wanted {
  std::vector<GivenAttribute> parts;
  Bytes der;
};

// Whether the attribute names the subject; then it is taken.
Result<bool> take_subject(const OperationContext& context, const Item& item, Wanted& wanted) {
  if (!context.version.is_2() && item.tag() == tag::kName) return false;  // of a template
  auto given = TRY(read_attribute(item, context.version));
  if (given.id.tag == tag::kX_509CertificateSubject) {
    const auto document = TRY(ttlv::decode(given.item));
    const auto name = document.root().find(tag::kSubjectDistinguishedName);
    if (!name) return no_subject("X.509 Certificate Subject");
    wanted.der = to_bytes(TRY(name->as_bytes()));
    return true;
  }
  if (std::ranges::find(kParts, given.id.tag, &SubjectPart::tag) == std::end(kParts)) return false;
  wanted.parts.push_back(std::move(given));
  return true;
}

Result<Bytes> subject_of(const Wanted& wanted) {
  if (!wanted.der.empty()) {
    if (!crypto::read_subject(wanted.der)) return no_subject("X.509 Certificate Subject");
    return wanted.der;
  }
  std::vector<crypto::NamePart> parts;
  for (const auto& part : kParts) {
    for (const auto& given : wanted.parts) {
      const Attribute value{given.id, 0, given.item};
      if (given.id.tag == part.tag) parts.push_back({std::string(part.key), text_of(&value).value_or("")});
    }
  }
  if (parts.empty()) return Bytes();
  auto subject = crypto::make_subject(parts);
  return subject ? std::move(subject) : no_subject("Certificate Subject");
}

}  // namespace

Result<CertificateWish> read_certificate_wish(const OperationContext& context, const Item& payload) {
  const auto attributes = context.version.is_2() ? tag::kAttributes : tag::kTemplateAttribute;
  Wanted wanted;
  ttlv::Writer rest;
  rest.begin(payload.tag());
  for (const Item child : payload.children()) {
    if (child.tag() != attributes || !child.is_structure()) {
      rest.add_encoded(child.encoding());
      continue;
    }
    rest.begin(attributes);
    for (const Item attribute : child.children()) {
      if (!TRY(take_subject(context, attribute, wanted))) rest.add_encoded(attribute.encoding());
    }
    rest.end();
  }
  return CertificateWish{TRY(subject_of(wanted)), rest.end().take()};
}

Status check_subject(ByteView subject) {
  const auto parts = crypto::read_subject(subject);
  if (!parts) return no_subject("Certificate Subject");
  for (const auto& part : *parts) {
    if (part.key != "OU" || std::ranges::find(kOwnUnits, to_lower(part.value)) == std::end(kOwnUnits))
      continue;
    return refuse(ResultReason::kPermissionDenied,
                  "this unit is how the site knows its own servers and engines: no certificate names it",
                  "Certificate Subject OU");
  }
  return {};
}

}  // namespace tapewarden::kmip

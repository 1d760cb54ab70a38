// Validate (Specification 1.4 section 4.24, 2.1 section 6.1.57): a chain of certificates, given, or kept here
// by the client, or both, against the authorities of this server's configuration and its issuer.
#include "crypto/certification.h"
#include "keymgr/objects/kmip_issuer.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;

constexpr std::size_t kMostCertificates = 16;

Result<crypto::Certificate> read_certificate(const Item& structure, std::string_view field) {
  const auto value = structure.find(tag::kCertificateValue);
  auto certificate = value ? crypto::Certificate::from_der(TRY(value->as_bytes()))
                           : Result<crypto::Certificate>(fail(ErrorCode::kInvalidArgument, "it is missing"));
  if (certificate) return *std::move(certificate);
  return refuse(ResultReason::kInvalidField, "this is no X.509 certificate", std::string(field));
}

struct Chain {
  std::vector<crypto::Certificate> certificates;
  bool withdrawn = false;  // one of the kept ones was revoked
};

Result<Chain> read_chain(OperationContext& context, const Item& payload) {
  Chain out;
  for (const Item child : payload.children()) {
    if (child.tag() == tag::kValidityDate) continue;
    if (out.certificates.size() >= kMostCertificates) {
      return refuse(ResultReason::kServerLimitExceeded, "a chain has at most 16 certificates", child.name());
    }
    if (child.tag() == tag::kCertificate) {
      out.certificates.push_back(TRY(read_certificate(child, "Certificate")));
      continue;
    }
    const auto object = TRY(object_by(context, child, true));
    const auto document = TRY(ttlv::decode(object.content));
    if (object.type != ObjectType::kCertificate) {
      return refuse(ResultReason::kInvalidObjectType, "the object is no certificate", "Unique Identifier");
    }
    out.certificates.push_back(TRY(read_certificate(document.root(), "Unique Identifier")));
    const auto state = TRY(context.objects.state_of(context.reader, object));
    out.withdrawn =
        out.withdrawn || state == keymgr::KeyState::kCompromised || state == keymgr::KeyState::kDeactivated;
  }
  if (!out.certificates.empty()) return out;
  return refuse(ResultReason::kInvalidMessage, "at least one certificate is given or named", "Certificate");
}

}  // namespace

Status validate(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kCertificate, tag::kUniqueIdentifier, tag::kValidityDate}));
  auto at = context.now();
  if (const auto date = payload.find(tag::kValidityDate)) {
    at = time_of(TRY(date->as_date_time()));
  }
  const auto chain = TRY(read_chain(context, payload));
  context.placeholder.reset();  // it names no one object
  auto authorities = context.settings.authorities;
  const keymgr::KmipIssuers issuers(context.objects.manager().context());
  if (auto issuer = TRY(issuers.find(context.reader))) authorities.push_back(issuer->certificate);
  auto indicator = ValidityIndicator::kInvalid;
  switch (crypto::check_chain(chain.certificates, authorities, at)) {
    case crypto::ChainValidity::kValid:
      if (!chain.withdrawn) indicator = ValidityIndicator::kValid;
      break;
    case crypto::ChainValidity::kUnknown:
      indicator = ValidityIndicator::kUnknown;
      break;
    case crypto::ChainValidity::kInvalid:
      break;
  }
  out.add_enumeration(tag::kValidityIndicator, indicator);
  return {};
}

}  // namespace tapewarden::kmip

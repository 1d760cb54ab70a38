// Certify and Re-certify (Specification 1.4 sections 4.7 and 4.8, 2.1 sections 6.1.6 and 6.1.45), with the
// issuer that an officer set (keymgr/objects/kmip_issuer.h). The ID placeholder becomes the new certificate.
#include <algorithm>

#include "base/concat.h"
#include "crypto/certification.h"
#include "keymgr/objects/kmip_issuer.h"
#include "kmip/names.h"
#include "kmip/server/certificate_attributes.h"
#include "kmip/server/certificate_subject.h"
#include "kmip/server/key_access.h"
#include "kmip/server/key_pair.h"
#include "kmip/server/operations.h"
#include "kmip/server/replacement.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;
using ttlv::Item;

// What is certified.
struct Certified {
  Bytes spki;
  Bytes subject;                        // empty: nothing says it yet
  std::optional<ManagedObject> object;  // the public key, where the client has it here
};

Result<keymgr::KmipIssuer> require_issuer(OperationContext& context) {
  const keymgr::KmipIssuers issuers(context.objects.manager().context());
  auto issuer = TRY(issuers.find(context.reader));
  if (!issuer) {
    return refuse(ResultReason::kOperationNotSupported,
                  "this server issues no certificates: an officer gives it an issuing certificate by kmip "
                  "request-issuer and kmip set-issuer");
  }
  if (context.now() >= issuer->certificate.not_after()) {
    return refuse(ResultReason::kPermissionDenied,
                  "the issuing certificate has run out: an officer renews it by kmip set-issuer");
  }
  return *std::move(issuer);
}

std::unexpected<Error> bad_request(std::string_view why) {
  return refuse(ResultReason::kInvalidCSR, std::string(why), "Certificate Request");
}

// The request in the payload; nothing: there is none.
Result<std::optional<Bytes>> request_bytes(const OperationContext& context, const Item& payload) {
  const auto field = context.version.is_2() ? tag::kCertificateRequestValue : tag::kCertificateRequest;
  const auto value = payload.find(field);
  const auto type = payload.find(tag::kCertificateRequestType);
  if (!value && !type) return std::nullopt;
  if (!value || !type)
    return refuse(ResultReason::kInvalidMessage, "the request and its type come together",
                  value ? "Certificate Request Type" : "Certificate Request");
  const auto kind = TRY(type->as_enumeration());
  if (kind != static_cast<std::uint32_t>(CertificateRequestType::kPKCS_10) &&
      kind != static_cast<std::uint32_t>(CertificateRequestType::kPEM)) {
    return bad_request(concat("requests of the type ", value_text(tag::kCertificateRequestType, kind),
                              " are not taken here: PKCS#10 or PEM is"));
  }
  return to_bytes(TRY(value->as_bytes()));
}

Result<Certified> of_request(ByteView request) {
  auto read = crypto::read_certification_request(request);
  if (!read) return bad_request(read.error().message);
  return Certified{std::move(read->spki), std::move(read->subject), std::nullopt};
}

Result<Bytes> spki_of_key(OperationContext& context, const ManagedObject& object) {
  const auto key = TRY(asymmetric_of(TRY(open_plain_key(context, object)), object.type));
  const auto spki = key.encode(crypto::KeyEncoding::kSpki, false);
  if (!spki) return crypto_refusal(spki.error());
  return to_bytes(spki->reveal());
}

// A public key, or from KMIP 2.0 on a certificate request that is an object.
Result<Certified> of_object(OperationContext& context, const ManagedObject& object) {
  if (object.type == ObjectType::kPublicKey) return Certified{TRY(spki_of_key(context, object)), {}, object};
  if (object.type != ObjectType::kCertificateRequest) {
    return refuse(ResultReason::kInvalidObjectType, "a public key or a certificate request is certified",
                  "Unique Identifier");
  }
  const auto document = TRY(ttlv::decode(object.content));
  return of_request(TRY(document.root().find(tag::kCertificateRequestValue)->as_bytes()));
}

// A key that is over, or was told to others, is certified no more.
Status check_certifiable(OperationContext& context, const ManagedObject& object) {
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state == keymgr::KeyState::kPreActive || state == keymgr::KeyState::kActive) return {};
  return refuse(ResultReason::kWrongKeyLifecycleState, concat("the object is ", keymgr::to_string(state)),
                "State");
}

Result<Certified> read_certified(OperationContext& context, const Item& payload) {
  const auto request = TRY(request_bytes(context, payload));
  // 2.x: the request alone is enough. 1.x: it comes beside the key, which it must be of.
  const bool names_object = payload.find(tag::kUniqueIdentifier) || (!request && context.placeholder);
  if (request && !names_object) return of_request(*request);
  const auto object = TRY(named_object(context, payload, true));
  TRY(check_certifiable(context, object));
  auto out = TRY(of_object(context, object));
  if (!request) return out;
  auto requested = TRY(of_request(*request));
  if (requested.spki != out.spki)
    return bad_request("the request is for another key than the one that is named");
  out.subject = std::move(requested.subject);
  return out;
}

// The first of the new certificate's names, or the key's, is whom it names where nothing else says it.
Result<Bytes> subject_by_name(const AttributeSet& attributes, const Certified& certified) {
  const auto name_of = [](const AttributeSet& set) -> std::string {
    const auto* name = set.find(AttributeId::of(tag::kName));
    const auto document =
        name != nullptr ? ttlv::decode(name->item) : Result<ttlv::Document>(ttlv::Document());
    const auto value = name != nullptr && document ? document->root().find(tag::kNameValue) : std::nullopt;
    return value ? std::string(value->as_text().value_or("")) : std::string();
  };
  auto name = name_of(attributes);
  if (name.empty() && certified.object) name = name_of(certified.object->attributes);
  const std::vector<crypto::NamePart> parts{{"CN", name}};
  auto subject = crypto::make_subject(parts);
  if (!name.empty() && subject) return subject;
  return refuse(ResultReason::kInvalidAttribute,
                "nothing says whom the certificate is for: give a Certificate Subject, a Name of 1 to 64 "
                "characters, or a certificate request",
                "Certificate Subject");
}

Result<crypto::LeafUses> uses_of(const AttributeSet& attributes, const Certified& certified) {
  const auto id = AttributeId::of(tag::kCryptographicUsageMask);
  auto mask = integer_of(attributes.find(id));
  if (!mask && certified.object) mask = integer_of(certified.object->attributes.find(id));
  const auto has = [&](CryptographicUsageMask bit) {
    return (mask.value_or(0) & static_cast<std::int32_t>(bit)) != 0;
  };
  if (has(CryptographicUsageMask::kCertificateSign) || has(CryptographicUsageMask::kCRLSign)) {
    return refuse(ResultReason::kPermissionDenied, "certificates of authorities are not issued to clients",
                  "Cryptographic Usage Mask");
  }
  crypto::LeafUses out;
  out.encrypts = has(CryptographicUsageMask::kEncrypt) || has(CryptographicUsageMask::kDecrypt);
  out.wraps = has(CryptographicUsageMask::kWrapKey) || has(CryptographicUsageMask::kUnwrapKey);
  out.agrees = has(CryptographicUsageMask::kKeyAgreement);
  out.signs = has(CryptographicUsageMask::kSign) || has(CryptographicUsageMask::kVerify) ||
              !(out.encrypts || out.wraps || out.agrees);
  return out;
}

Status check_type(const AttributeSet& attributes) {
  const auto type = enumeration_of(attributes.find(AttributeId::of(tag::kCertificateType)));
  if (!type || *type == static_cast<std::uint32_t>(CertificateType::kX_509)) return {};
  return refuse(ResultReason::kFeatureNotSupported, "only X.509 certificates are issued", "Certificate Type");
}

// Ends when its owner wants it to, and no later than the officer allowed and the issuer itself lives.
crypto::LeafSpec leaf_spec(const OperationContext& context, const keymgr::KmipIssuer& issuer,
                           const AttributeSet& attributes) {
  crypto::LeafSpec out;
  out.not_before = context.now();
  out.not_after =
      std::min(out.not_before + std::chrono::hours(24) * issuer.days, issuer.certificate.not_after());
  if (const auto end = date_of(attributes.find(AttributeId::of(tag::kDeactivationDate)))) {
    out.not_after = std::min(out.not_after, time_of(*end));
  }
  return out;
}

// Signs, and keeps the certificate as an object.
Result<ManagedObject> issue(OperationContext& context, const Certified& certified, AttributeSet attributes) {
  const auto issuer = TRY(require_issuer(context));
  TRY(check_type(attributes));
  TRY(check_subject(certified.subject));
  TRY(begin_write(context, {}));
  auto spec = leaf_spec(context, issuer, attributes);
  spec.subject = certified.subject;
  spec.spki = certified.spki;
  spec.uses = TRY(uses_of(attributes, certified));
  const auto& server = context.objects.manager().context();
  const auto key = TRY(keymgr::KmipIssuers(server).key(context.reader));
  const auto made = crypto::issue_leaf(spec, issuer.certificate, key, *server.env.random);
  if (!made) return refuse(ResultReason::kInvalidField, made.error().message, made.error().field);
  const auto der = made->der();
  ttlv::Writer content;
  content.begin(tag::kCertificate).add_enumeration(tag::kCertificateType, CertificateType::kX_509);
  content.add_bytes(tag::kCertificateValue, der).end();
  ManagedObject object;
  object.type = ObjectType::kCertificate;
  object.owner = context.client.owner;
  object.content = content.take();
  object.attributes = std::move(attributes);
  object.attributes.set(
      AttributeId::of(tag::kCertificateType),
      enumeration_item(tag::kCertificateType, static_cast<std::uint32_t>(CertificateType::kX_509)));
  add_server_attributes(object.attributes, der, KeyFormatType::kX_509, Origin::kBrought);
  TRY(add_certificate_attributes(object.attributes, der));
  object.state = first_state(object.attributes, context.now());
  object = TRY(context.objects.add(*context.transaction, std::move(object), {}));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  context.audit.emplace_back("subject", made->subject());
  context.audit.emplace_back("serial", made->serial_hex());
  context.audit.emplace_back("until", format_utc(made->not_after()));
  return object;
}

Status link_to_key(OperationContext& context, ManagedObject& certificate, const Certified& certified) {
  if (!certified.object) return {};
  auto key = *certified.object;
  TRY(add_link(context, key, LinkType::kCertificateLink, certificate));
  return add_link(context, certificate, LinkType::kPublicKeyLink, key);
}

}  // namespace

Status certify(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(require_issuer(context));
  TRY(check_fields(payload, {tag::kUniqueIdentifier, tag::kCertificateRequestType, tag::kCertificateRequest,
                             tag::kCertificateRequestValue, tag::kTemplateAttribute, tag::kAttributes,
                             tag::kProtectionStorageMasks}));
  auto certified = TRY(read_certified(context, payload));
  const auto wish = TRY(read_certificate_wish(context, payload));
  const auto rest = TRY(ttlv::decode(wish.payload));
  auto attributes = TRY(given_attributes(context, rest.root(), tag::kTemplateAttribute, tag::kAttributes));
  // What a certificate request says comes before what the attributes say.
  if (certified.subject.empty()) certified.subject = wish.subject;
  if (certified.subject.empty()) certified.subject = TRY(subject_by_name(attributes, certified));
  auto certificate = TRY(issue(context, certified, std::move(attributes)));
  TRY(link_to_key(context, certificate, certified));
  context.placeholder = certificate.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(certificate));
  return {};
}

namespace {

// What follows from the old certificate alone.
bool is_of_certificate(const AttributeId& id) {
  const auto* kind = id.kind();
  return kind != nullptr && (kind->name.starts_with("Certificate ") || kind->name.starts_with("X.509 ") ||
                             id.tag == tag::kDigitalSignatureAlgorithm);
}

Result<crypto::Certificate> certificate_in(const ManagedObject& object) {
  if (object.type == ObjectType::kCertificate) {
    const auto document = TRY(ttlv::decode(object.content));
    auto parsed =
        crypto::Certificate::from_der(TRY(document.root().find(tag::kCertificateValue)->as_bytes()));
    if (parsed) return *std::move(parsed);
  }
  return refuse(ResultReason::kInvalidObjectType, "the object is no X.509 certificate", "Unique Identifier");
}

// A new request is for the same key; what it says else comes before what the old certificate says.
Result<std::optional<Certified>> requested_anew(OperationContext& context, const Item& payload) {
  if (const auto request = TRY(request_bytes(context, payload))) return TRY(of_request(*request));
  if (!payload.find(tag::kCertificateRequestUniqueIdentifier)) return std::nullopt;
  const auto object = TRY(object_named_by(context, payload, tag::kCertificateRequestUniqueIdentifier, true));
  if (object.type != ObjectType::kCertificateRequest) {
    return refuse(ResultReason::kInvalidObjectType, "this is no certificate request",
                  "Certificate Request Unique Identifier");
  }
  return TRY(of_object(context, object));
}

// The public key that the certificate is linked with, where it is still there.
Result<std::optional<ManagedObject>> linked_key(OperationContext& context, const ManagedObject& certificate) {
  for (const auto* link : certificate.attributes.find_all(AttributeId::of(tag::kLink))) {
    const auto document = TRY(ttlv::decode(link->item));
    const auto type = document.root().find(tag::kLinkType);
    const auto to = document.root().find(tag::kLinkedObjectIdentifier);
    if (!type || !to ||
        type->as_enumeration().value_or(0) != static_cast<std::uint32_t>(LinkType::kPublicKeyLink)) {
      continue;
    }
    const auto id = Uuid::parse(to->as_text().value_or(""));
    auto object = id ? TRY(context.objects.find(context.reader, *id)) : std::nullopt;
    if (object && object->owner == context.client.owner && object->type == ObjectType::kPublicKey)
      return object;
  }
  return std::nullopt;
}

}  // namespace

Status re_certify(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  const auto issuer = TRY(require_issuer(context));
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kCertificateRequestUniqueIdentifier,
                    tag::kCertificateRequestType, tag::kCertificateRequest, tag::kCertificateRequestValue,
                    tag::kOffset, tag::kTemplateAttribute, tag::kAttributes, tag::kProtectionStorageMasks}));
  const auto old = TRY(named_object(context, payload, true));
  const auto certificate = TRY(certificate_in(old));
  TRY(check_certifiable(context, old));
  if (!certificate.signed_by(issuer.certificate)) {
    return refuse(ResultReason::kPermissionDenied, "another authority issued this certificate",
                  "Unique Identifier");
  }
  Certified certified{crypto::spki_of(certificate), crypto::names_of(certificate).subject_der,
                      TRY(linked_key(context, old))};
  if (certified.object) TRY(check_certifiable(context, *certified.object));
  if (auto anew = TRY(requested_anew(context, payload))) {
    if (anew->spki != certified.spki)
      return bad_request("the request is for another key than the certificate");
    certified.subject = std::move(anew->subject);
  }
  const auto given = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  auto attributes = TRY(attributes_for_replacement(context, old, payload, given));
  std::vector<AttributeId> gone;
  for (const auto& attribute : attributes.all()) {
    if (is_of_certificate(attribute.id)) gone.push_back(attribute.id);
  }
  for (const auto& id : gone) attributes.remove_all(id);
  const auto released = TRY(release_names(context, old));
  auto renewed = TRY(issue(context, certified, std::move(attributes)));
  TRY(link_to_key(context, renewed, certified));
  TRY(link_replacement(context, released, renewed));
  context.placeholder = renewed.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(renewed));
  return {};
}

}  // namespace tapewarden::kmip

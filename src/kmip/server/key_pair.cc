#include "kmip/server/key_pair.h"

#include "base/concat.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/server/asymmetric_material.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::AsymmetricKey;
using keymgr::ManagedObject;

Result<std::string> wanted_curve(const AttributeSet& attributes, std::optional<std::int32_t> bits) {
  const auto* domain = attributes.find(AttributeId::of(tag::kCryptographicDomainParameters));
  if (domain != nullptr) {
    const auto document = TRY(ttlv::decode(domain->item));
    if (const auto item = document.root().find(tag::kRecommendedCurve)) {
      const auto number = TRY(item->as_enumeration());
      if (auto curve = curve_of(number)) return *std::move(curve);
      return refuse(ResultReason::kInvalidField,
                    concat(value_text(tag::kRecommendedCurve, number), " is not offered here"),
                    "Recommended Curve");
    }
  }
  if (bits == 256) return "prime256v1";
  if (bits == 384) return "secp384r1";
  if (bits == 521) return "secp521r1";
  return refuse(ResultReason::kInvalidField, "256, 384 and 521 bits, or a Recommended Curve",
                "Cryptographic Length");
}

Bytes content_for(const ManagedObject& object, KeyFormatType format) {
  ttlv::Writer out;
  out.begin(*tag_of_object(static_cast<std::uint32_t>(object.type))).begin(tag::kKeyBlock);
  out.add_enumeration(tag::kKeyFormatType, format);
  for (const auto field : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto* value = object.attributes.find(AttributeId::of(field))) out.add_encoded(value->item);
  }
  return out.end().end().take();
}

// One half as an object, not yet kept, and its secret.
Result<ManagedObject> half_of(const OperationContext& context, const AsymmetricKey& key, bool is_private,
                              AttributeSet attributes, crypto::SecretBytes& secret) {
  const bool rsa = key.algorithm() == crypto::KeyAlgorithm::kRsa;
  const auto elliptic = is_private ? KeyFormatType::kECPrivateKey : KeyFormatType::kX_509;
  const auto format = rsa ? KeyFormatType::kPKCS_1 : elliptic;
  ManagedObject out;
  out.type = is_private ? ObjectType::kPrivateKey : ObjectType::kPublicKey;
  out.owner = context.client.owner;
  out.attributes = std::move(attributes);
  out.attributes.set(AttributeId::of(tag::kCryptographicLength),
                     integer_item(tag::kCryptographicLength, static_cast<std::int32_t>(key.bits())));
  if (out.attributes.find(AttributeId::of(tag::kCryptographicUsageMask)) == nullptr) {
    return refuse(ResultReason::kInvalidMessage, "what the key is for is missing",
                  "Cryptographic Usage Mask");
  }
  const auto material = TRY(write_asymmetric(key, format, is_private));
  const auto document = TRY(ttlv::decode(material.reveal()));
  add_server_attributes(out.attributes, document.root().value(), format, Origin::kGenerated);
  out.content = content_for(out, format);
  out.state = first_state(out.attributes, context.now());
  secret = key_value_of_item(material.reveal());
  out.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(secret)));
  return out;
}

// The key that was drawn ahead is the one that is wanted, unless the batch changed what is.
bool is_wanted(const AsymmetricKey& key, const AttributeSet& attributes) {
  const auto bits = integer_of(attributes.find(AttributeId::of(tag::kCryptographicLength)));
  return key.algorithm() == crypto::KeyAlgorithm::kRsa && bits && std::cmp_equal(key.bits(), *bits);
}

// Quick for elliptic curves; RSA keys take long to find.
Result<AsymmetricKey> draw_within(const OperationContext& context, const AttributeSet& attributes) {
  const auto algorithm = enumeration_of(attributes.find(AttributeId::of(tag::kCryptographicAlgorithm)));
  if (algorithm == static_cast<std::uint32_t>(CryptographicAlgorithm::kRSA)) {
    return takes_long_within("Cryptographic Algorithm");
  }
  return draw_key(attributes, context.settings);
}

}  // namespace

Result<AsymmetricKey> draw_key(const AttributeSet& attributes, const ServerSettings& settings) {
  const auto algorithm = enumeration_of(attributes.find(AttributeId::of(tag::kCryptographicAlgorithm)));
  const auto bits = integer_of(attributes.find(AttributeId::of(tag::kCryptographicLength)));
  if (!algorithm) {
    return refuse(ResultReason::kInvalidMessage, "the algorithm of the keys is missing",
                  "Cryptographic Algorithm");
  }
  switch (CryptographicAlgorithm(*algorithm)) {
    case CryptographicAlgorithm::kRSA: {
      if (!bits) return refuse(ResultReason::kInvalidMessage, "it is missing", "Cryptographic Length");
      if (std::cmp_greater(*bits, settings.most_rsa_bits)) {
        return refuse(ResultReason::kInvalidField,
                      concat("RSA keys of ", settings.most_rsa_bits, " bits at most are made here"),
                      "Cryptographic Length");
      }
      auto key = AsymmetricKey::generate_rsa(static_cast<unsigned>(std::max(*bits, 0)));
      if (key) return *std::move(key);
      return refuse(ResultReason::kInvalidField, key.error().message, "Cryptographic Length");
    }
    case CryptographicAlgorithm::kEC:
    case CryptographicAlgorithm::kECDSA:
    case CryptographicAlgorithm::kECDH: {
      auto key = AsymmetricKey::generate_ec(TRY(wanted_curve(attributes, bits)));
      if (key) return *std::move(key);
      return refuse(ResultReason::kInvalidField, "this machine's OpenSSL has not that curve",
                    "Recommended Curve");
    }
    default:
      return refuse(ResultReason::kInvalidField,
                    concat("key pairs for ", value_text(tag::kCryptographicAlgorithm, *algorithm),
                           " are not made here"),
                    "Cryptographic Algorithm");
  }
}

DrawingWork work_for(AttributeSet attributes, const ServerSettings& settings) {
  return [attributes = std::move(attributes), settings]() -> Result<Drawn> {
    Drawn out;
    out.pair = TRY(draw_key(attributes, settings));
    return out;
  };
}

Status add_link(OperationContext& context, ManagedObject& from, LinkType type, const ManagedObject& to) {
  auto after = from;
  after.attributes.add(AttributeId::of(tag::kLink), link_item(type, to));
  TRY(context.objects.change(*context.transaction, from, after));
  from = std::move(after);
  return {};
}

Bytes link_item(LinkType type, const ManagedObject& to) {
  return ttlv::Writer()
      .begin(tag::kLink)
      .add_enumeration(tag::kLinkType, type)
      .add_text(tag::kLinkedObjectIdentifier, keymgr::unique_identifier(to))
      .end()
      .take();
}

Result<Pair> make_pair(OperationContext& context, PairWanted wanted) {
  TRY(begin_write(context, {}));
  TRY(check_may_draw(context));
  const auto* drawn = context.drawn != nullptr && context.drawn->pair ? &*context.drawn->pair : nullptr;
  const bool ahead = drawn != nullptr && is_wanted(*drawn, wanted.private_attributes);
  const auto key = ahead ? *drawn : TRY(draw_within(context, wanted.private_attributes));
  crypto::SecretBytes private_secret;
  crypto::SecretBytes public_secret;
  Pair out;
  out.private_key = TRY(half_of(context, key, true, std::move(wanted.private_attributes), private_secret));
  out.public_key = TRY(half_of(context, key, false, std::move(wanted.public_attributes), public_secret));
  TRY(context.objects.check_new(context.reader, out.private_key));
  TRY(context.objects.check_new(context.reader, out.public_key));
  out.private_key =
      TRY(context.objects.add(*context.transaction, std::move(out.private_key), private_secret));
  out.public_key = TRY(context.objects.add(*context.transaction, std::move(out.public_key), public_secret));
  TRY(add_link(context, out.private_key, LinkType::kPublicKeyLink, out.public_key));
  TRY(add_link(context, out.public_key, LinkType::kPrivateKeyLink, out.private_key));
  context.audit.emplace_back("private_key", keymgr::unique_identifier(out.private_key));
  context.audit.emplace_back("public_key", keymgr::unique_identifier(out.public_key));
  return out;
}

}  // namespace tapewarden::kmip

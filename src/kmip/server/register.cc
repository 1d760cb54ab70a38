// Register (Specification 1.4 section 4.3, 2.1 section 6.1.43): the client brings the object.
#include "base/concat.h"
#include "crypto/hash.h"
#include "kmip/attribute_wire.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/server/asymmetric_material.h"
#include "kmip/server/certificate_attributes.h"
#include "kmip/server/key_access.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::ManagedObject;
using ttlv::Item;
using ttlv::Tag;

bool is_key(ObjectType type) {
  return type == ObjectType::kSymmetricKey || type == ObjectType::kPublicKey ||
         type == ObjectType::kPrivateKey || type == ObjectType::kSplitKey;
}

// What the request says of the key and what its Key Block says are the same, and one of them says it.
Status settle(AttributeSet& attributes, Tag tag, std::optional<Bytes> of_block) {
  const auto id = AttributeId::of(tag);
  const auto* given = attributes.find(id);
  if (given != nullptr && of_block && given->item != *of_block) {
    return refuse(ResultReason::kInvalidField,
                  concat("the attribute and the Key Block say different things of the ", id.text()),
                  id.text());
  }
  if (given == nullptr && of_block) attributes.set(id, *std::move(of_block));
  return {};
}

struct AlgorithmEntry {
  crypto::KeyAlgorithm key;
  CryptographicAlgorithm algorithm;
};
constexpr AlgorithmEntry kAlgorithms[] = {{crypto::KeyAlgorithm::kRsa, CryptographicAlgorithm::kRSA},
                                          {crypto::KeyAlgorithm::kDsa, CryptographicAlgorithm::kDSA},
                                          {crypto::KeyAlgorithm::kEc, CryptographicAlgorithm::kEC}};

// An asymmetric key says what it is where the client does not; and one that is none is not taken.
Status check_asymmetric(ManagedObject& object, const OpenedKey& key) {
  const bool transparent = key.terms.format >= KeyFormatType::kTransparentDSAPrivateKey &&
                           key.terms.format <= KeyFormatType::kTransparentECPublicKey;
  if (transparent || key.terms.format == KeyFormatType::kOpaque) return {};
  const auto parsed = TRY(asymmetric_of(key, object.type));
  const auto algorithm = AttributeId::of(tag::kCryptographicAlgorithm);
  for (const auto& entry : kAlgorithms) {
    if (entry.key != parsed.algorithm() || object.attributes.find(algorithm) != nullptr) continue;
    object.attributes.set(algorithm, enumeration_item(tag::kCryptographicAlgorithm,
                                                      static_cast<std::uint32_t>(entry.algorithm)));
  }
  const auto bits = AttributeId::of(tag::kCryptographicLength);
  if (object.attributes.find(bits) == nullptr) {
    object.attributes.set(bits,
                          integer_item(tag::kCryptographicLength, static_cast<std::int32_t>(parsed.bits())));
  }
  return {};
}

Status check_symmetric(const ManagedObject& object, const OpenedKey& key) {
  const auto material = TRY(bytes_of(key));
  const auto bits = integer_of(object.attributes.find(AttributeId::of(tag::kCryptographicLength)));
  const auto algorithm =
      enumeration_of(object.attributes.find(AttributeId::of(tag::kCryptographicAlgorithm)));
  // Of DES, some count the parity bits and some do not.
  const bool des = algorithm == static_cast<std::uint32_t>(CryptographicAlgorithm::kDES3) ||
                   algorithm == static_cast<std::uint32_t>(CryptographicAlgorithm::kDES);
  if (!bits || des || std::cmp_equal(material.size() * 8, *bits)) return {};
  return refuse(ResultReason::kInvalidField,
                concat("the key has ", material.size() * 8, " bits, and not ", *bits),
                "Cryptographic Length");
}

Status check_required(const ManagedObject& object) {
  for (const auto tag : {tag::kCryptographicAlgorithm, tag::kCryptographicUsageMask}) {
    const auto id = AttributeId::of(tag);
    if (object.attributes.find(id) == nullptr) {
      return refuse(ResultReason::kInvalidMessage, "it is missing, and nothing else says it", id.text());
    }
  }
  return {};
}

Status add_key_attributes(ManagedObject& object, const OpenedKey& key) {
  std::optional<Bytes> algorithm;
  std::optional<Bytes> bits;
  if (key.terms.algorithm) {
    algorithm = enumeration_item(tag::kCryptographicAlgorithm, *key.terms.algorithm);
  }
  if (key.terms.bits) bits = integer_item(tag::kCryptographicLength, *key.terms.bits);
  TRY(settle(object.attributes, tag::kCryptographicAlgorithm, std::move(algorithm)));
  TRY(settle(object.attributes, tag::kCryptographicLength, std::move(bits)));
  if (!key.terms.wrapped) {
    if (object.type == ObjectType::kPublicKey || object.type == ObjectType::kPrivateKey) {
      TRY(check_asymmetric(object, key));
    }
    if (object.type == ObjectType::kSymmetricKey) TRY(check_symmetric(object, key));
  }
  return is_key(object.type) ? check_required(object) : Status();
}

Status add_certificate(ManagedObject& object, const Item& structure) {
  const auto type = *structure.find(tag::kCertificateType);
  const auto value = *structure.find(tag::kCertificateValue);
  TRY(settle(object.attributes, tag::kCertificateType, to_bytes(type.encoding())));
  add_server_attributes(object.attributes, TRY(value.as_bytes()), KeyFormatType::kX_509, Origin::kBrought);
  if (TRY(type.as_enumeration()) != static_cast<std::uint32_t>(CertificateType::kX_509)) return {};
  return add_certificate_attributes(object.attributes, TRY(value.as_bytes()));
}

// Everything that follows from the object that the client brought.
Status describe(ManagedObject& object, const Item& structure, const ObjectValue& value) {
  if (object.type == ObjectType::kTemplate) return {};
  if (object.type == ObjectType::kCertificate) return add_certificate(object, structure);
  if (object.type == ObjectType::kCertificateRequest) {
    const auto bytes = TRY(structure.find(tag::kCertificateRequestValue)->as_bytes());
    add_server_attributes(object.attributes, bytes, KeyFormatType::kPKCS_10, Origin::kBrought);
    return {};
  }
  const auto secret = TRY(ttlv::decode(value.secret.reveal()));
  auto digested = digested_bytes(secret.root());
  const auto terms = key_block_terms(structure);
  add_server_attributes(object.attributes, digested, terms ? terms->format : KeyFormatType::kOpaque,
                        Origin::kBrought);
  crypto::wipe(digested);
  if (const auto item = structure.find(tag::kOpaqueDataType)) {
    object.attributes.set(AttributeId::of(tag::kOpaqueDataType), to_bytes(item->encoding()));
  }
  if (!terms) return {};
  return add_key_attributes(object, OpenedKey{value.secret.clone(), *terms});
}

Status check_version(ObjectType type, const ProtocolVersion& version) {
  constexpr ProtocolVersion k12{1, 2};
  constexpr ProtocolVersion k20{2, 0};
  const bool there = (type != ObjectType::kTemplate || !version.is_2()) &&
                     (type != ObjectType::kPGPKey || version >= k12) &&
                     (type != ObjectType::kCertificateRequest || version >= k20);
  if (there) return {};
  return refuse(ResultReason::kInvalidObjectType, concat("KMIP ", to_string(version), " has no such objects"),
                "Object Type");
}

// What it holds could stand in a request.
Status check_template(const OperationContext& context, const Item& structure) {
  for (const Item child : structure.children()) TRY(read_attribute(child, context.version));
  return {};
}

}  // namespace

Result<ManagedObject> read_new_object(const OperationContext& context, const Item& payload, GivenBy by,
                                      crypto::SecretBytes& secret) {
  const auto type = payload.find(tag::kObjectType);
  if (!type) return refuse(ResultReason::kInvalidMessage, "it is missing", "Object Type");
  const auto number = TRY(type->as_enumeration());
  const auto tag = tag_of_object(number);
  if (!tag) return refuse(ResultReason::kInvalidObjectType, "there is no such type", "Object Type");
  const auto structure = payload.find(*tag);
  if (!structure) {
    return refuse(ResultReason::kInvalidMessage, "the object is missing", std::string(tag_name(*tag)));
  }
  ManagedObject object;
  object.type = ObjectType(number);
  TRY(check_version(object.type, context.version));
  object.owner = context.client.owner;
  object.attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes, by));
  auto value = TRY(read_object(object.type, *structure));
  TRY(describe(object, *structure, value));
  if (object.type == ObjectType::kTemplate) TRY(check_template(context, *structure));
  object.content = std::move(value.content);
  if (!value.secret.empty()) object.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(value.secret)));
  object.state = first_state(object.attributes, context.now());
  secret = std::move(value.secret);
  return object;
}

Status register_object(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kObjectType, tag::kTemplateAttribute, tag::kAttributes,
                             tag::kProtectionStorageMasks, tag::kCertificate, tag::kSymmetricKey,
                             tag::kPublicKey, tag::kPrivateKey, tag::kSplitKey, tag::kTemplate,
                             tag::kSecretData, tag::kOpaqueObject, tag::kPGPKey, tag::kCertificateRequest}));
  TRY(begin_write(context, {}));
  crypto::SecretBytes secret;
  auto object = TRY(read_new_object(context, payload, GivenBy::kClient, secret));
  object = TRY(context.objects.add(*context.transaction, std::move(object), secret));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  context.audit.emplace_back("object_type",
                             value_text(tag::kObjectType, static_cast<std::uint32_t>(object.type)));
  context.placeholder = object.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

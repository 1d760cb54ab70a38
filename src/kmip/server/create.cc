// Create (Specification 1.4 section 4.1, 2.1 section 6.1.8). A key of 256 bits for AES is the next of the key
// group that is set for KMIP, made ahead and already safe elsewhere; so it is served at once under whatever
// policy (keymgr/serve_policy.h). Other symmetric keys are drawn here.
#include "base/concat.h"
#include "base/text.h"
#include "crypto/random.h"
#include "kmip/attributes.h"
#include "kmip/names.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::DataKey;
using keymgr::ManagedObject;

struct KeyKind {
  std::uint32_t algorithm = 0;
  std::int32_t bits = 0;
  bool is_data_key() const {
    return bits == 256 && algorithm == static_cast<std::uint32_t>(CryptographicAlgorithm::kAES);
  }
};

struct Lengths {
  CryptographicAlgorithm algorithm;
  std::int32_t least;
  std::int32_t most;
  std::int32_t step;
};

constexpr Lengths kLengths[] = {
    {CryptographicAlgorithm::kAES, 128, 256, 64},
    {CryptographicAlgorithm::kDES3, 168, 192, 24},
    {CryptographicAlgorithm::kHMAC_SHA1, 80, 4096, 8},
    {CryptographicAlgorithm::kHMAC_SHA224, 112, 4096, 8},
    {CryptographicAlgorithm::kHMAC_SHA256, 128, 4096, 8},
    {CryptographicAlgorithm::kHMAC_SHA384, 192, 4096, 8},
    {CryptographicAlgorithm::kHMAC_SHA512, 256, 4096, 8},
    {CryptographicAlgorithm::kCamellia, 128, 256, 64},
    {CryptographicAlgorithm::kChaCha20, 256, 256, 8},
    {CryptographicAlgorithm::kChaCha20Poly1305, 256, 256, 8},
};

Result<KeyKind> wanted_kind(const AttributeSet& attributes) {
  const auto algorithm = enumeration_of(attributes.find(AttributeId::of(tag::kCryptographicAlgorithm)));
  const auto bits = integer_of(attributes.find(AttributeId::of(tag::kCryptographicLength)));
  if (!algorithm) {
    return refuse(ResultReason::kInvalidMessage, "the algorithm of the key is missing",
                  "Cryptographic Algorithm");
  }
  if (!bits) {
    return refuse(ResultReason::kInvalidMessage, "the length of the key is missing", "Cryptographic Length");
  }
  if (attributes.find(AttributeId::of(tag::kCryptographicUsageMask)) == nullptr) {
    return refuse(ResultReason::kInvalidMessage, "what the key is for is missing",
                  "Cryptographic Usage Mask");
  }
  for (const auto& lengths : kLengths) {
    if (static_cast<std::uint32_t>(lengths.algorithm) != *algorithm) continue;
    const bool fits = *bits >= lengths.least && *bits <= lengths.most && *bits % 8 == 0 &&
                      (*bits - lengths.least) % lengths.step == 0;
    if (fits) return KeyKind{*algorithm, *bits};
    return refuse(
        ResultReason::kInvalidField,
        concat(value_text(tag::kCryptographicAlgorithm, *algorithm), " has no keys of ", *bits, " bits here"),
        "Cryptographic Length");
  }
  return refuse(
      ResultReason::kInvalidField,
      concat("keys for ", value_text(tag::kCryptographicAlgorithm, *algorithm), " are not made here"),
      "Cryptographic Algorithm");
}

// The barcode that an administrator reads, where the client gave one.
std::string barcode_of(const AttributeSet& attributes) {
  if (const auto* name = attributes.find(AttributeId::of(tag::kAlternativeName))) {
    const auto document = ttlv::decode(name->item);
    const auto value = document ? document->root().find(tag::kAlternativeNameValue) : std::nullopt;
    if (value && value->as_text()) return std::string(*value->as_text());
  }
  return text_of(attributes.find(AttributeId::of_vendor("x", "Barcode"))).value_or("");
}

Status write_ledger(OperationContext& context, const ManagedObject& object, const DataKey& key) {
  keymgr::LedgerEntry entry;
  entry.volser =
      escape_unprintable(barcode_of(object.attributes)).substr(0, keymgr::kMaximumVolserCharacters);
  entry.volume = object.id;
  entry.method = keymgr::Method::kIdentifiedKey;
  entry.purpose = keymgr::Purpose::kWrite;
  entry.request_id = to_bytes(object.id.view());
  entry.alias = key.alias;
  entry.dki = to_bytes(key.dki.view());
  entry.group = key.group;
  entry.proxy = context.client.name;
  TRY(context.objects.manager().ledger().add(*context.transaction, std::move(entry)));
  return {};
}

Result<crypto::SecretBytes> take_data_key(OperationContext& context, ManagedObject& object, DataKey& key) {
  auto& manager = context.objects.manager();
  key = TRY(manager.groups().take_next(*context.transaction, context.settings.key_group));
  object.data_key = key.id;
  object.fingerprint = to_bytes(ByteView(key.fingerprint));
  context.audit.emplace_back("alias", key.alias);
  return manager.keys().open(*context.transaction, key);
}

}  // namespace

Status create(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(
      payload, {tag::kObjectType, tag::kTemplateAttribute, tag::kAttributes, tag::kProtectionStorageMasks}));
  const auto type = payload.find(tag::kObjectType);
  if (!type) return refuse(ResultReason::kInvalidMessage, "it is missing", "Object Type");
  if (TRY(type->as_enumeration()) != static_cast<std::uint32_t>(ObjectType::kSymmetricKey)) {
    return refuse(ResultReason::kInvalidObjectType, "Create makes symmetric keys", "Object Type");
  }
  ManagedObject object;
  object.owner = context.client.owner;
  object.attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  const auto kind = TRY(wanted_kind(object.attributes));
  object.state = first_state(object.attributes, context.now());
  TRY(context.objects.check_new(context.reader, object));

  DataKey key;
  crypto::SecretBytes own;
  if (kind.is_data_key()) {
    const auto secret = TRY(take_data_key(context, object, key));
    add_server_attributes(object.attributes, secret, KeyFormatType::kRaw, true);
  } else {
    own = crypto::random_secret(*context.objects.manager().context().env.random,
                                static_cast<std::size_t>(kind.bits) / 8);
    object.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(own)));
    add_server_attributes(object.attributes, own, KeyFormatType::kRaw, true);
  }
  object = TRY(context.objects.add(*context.transaction, std::move(object), own));
  if (!object.data_key.is_nil()) TRY(write_ledger(context, object, key));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  context.placeholder = object.id;
  out.add_enumeration(tag::kObjectType, ObjectType::kSymmetricKey);
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

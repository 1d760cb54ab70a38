#include "kmip/server/symmetric_key.h"

// A key of 256 bits for AES is the next of the key group that is set for KMIP, made ahead and already safe
// elsewhere; so it is served at once under whatever policy (keymgr/serve_policy.h). Other symmetric keys are
// drawn here.
#include "base/concat.h"
#include "base/text.h"
#include "crypto/random.h"
#include "kmip/attributes.h"
#include "kmip/names.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using keymgr::DataKey;
using keymgr::ManagedObject;

constexpr std::int32_t kQuantumSafeBits = 256;

struct KeyKind {
  std::uint32_t algorithm = 0;
  std::int32_t bits = 0;
  // A triple DES key of 168 bits has parity bits besides.
  std::size_t bytes() const {
    const bool des = algorithm == static_cast<std::uint32_t>(CryptographicAlgorithm::kDES3);
    return static_cast<std::size_t>(des ? bits + bits / 7 : bits) / 8;
  }
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
    {CryptographicAlgorithm::kDES3, 112, 168, 56},
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
  TRY(check_key_group(*context.transaction, manager, context.settings.key_group));
  key = TRY(manager.groups().take_next(*context.transaction, context.settings.key_group));
  object.data_key = key.id;
  object.fingerprint = to_bytes(ByteView(key.fingerprint));
  return manager.keys().open(*context.transaction, key);
}

// Quantum Safe is a promise about the key (Specification 2.1 section 4.43): half of a symmetric key's bits
// are what Grover's search leaves.
Status check_quantum_safe(const AttributeSet& attributes, const KeyKind& kind) {
  const auto wanted = boolean_of(attributes.find(AttributeId::of(tag::kQuantumSafe)));
  if (!wanted.value_or(false) || kind.bits >= kQuantumSafeBits) return {};
  return refuse(
      ResultReason::kGeneralFailure,
      concat("a key of ", kind.bits, " bits is not safe from quantum computers: ask for ", kQuantumSafeBits),
      "Quantum Safe");
}

}  // namespace

Status check_key_group(store::Reader& reader, const keymgr::KeyManager& manager, std::string_view name) {
  const auto group = TRY(manager.groups().find(reader, name));
  if (!group || group->policy == keymgr::GroupPolicy::kUseOnce) return {};
  return fail(ErrorCode::kConflict,
              concat("the key group ", group->name, " goes round: it would give one key to several clients"),
              "kmip.key_group", "make the group use-once, or name another one in keyd.toml");
}

Result<crypto::SecretBytes> draw_symmetric_key(const OperationContext& context,
                                               const AttributeSet& attributes) {
  const auto kind = TRY(wanted_kind(attributes));
  TRY(check_quantum_safe(attributes, kind));
  TRY(check_may_draw(context));
  return crypto::random_secret(*context.objects.manager().context().env.random, kind.bytes());
}

Result<ManagedObject> make_symmetric_key(OperationContext& context, AttributeSet attributes) {
  ManagedObject object;
  object.owner = context.client.owner;
  object.attributes = std::move(attributes);
  const auto kind = TRY(wanted_kind(object.attributes));
  if (!kind.is_data_key()) {
    const auto own = TRY(draw_symmetric_key(context, object.attributes));
    return keep_symmetric_key(context, std::move(object.attributes), own, Origin::kGenerated);
  }
  object.state = first_state(object.attributes, context.now());
  TRY(begin_write(context,
                  TRY(keymgr::KeyGroups::require_name(*context.transaction, context.settings.key_group))));
  DataKey key;
  const auto secret = TRY(take_data_key(context, object, key));
  add_server_attributes(object.attributes, secret.reveal(), KeyFormatType::kRaw, Origin::kGenerated);
  object = TRY(context.objects.add(*context.transaction, std::move(object), {}));
  TRY(write_ledger(context, object, key));
  // Not before it is the object's: a record of a refusal must not name the key that another one gets.
  context.audit.emplace_back("alias", key.alias);
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  return object;
}

Result<ManagedObject> keep_symmetric_key(OperationContext& context, AttributeSet attributes,
                                         const crypto::SecretBytes& key, Origin origin) {
  TRY(begin_write(context, {}));
  ManagedObject object;
  object.owner = context.client.owner;
  object.attributes = std::move(attributes);
  object.state = first_state(object.attributes, context.now());
  object.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(key)));
  add_server_attributes(object.attributes, key.reveal(), KeyFormatType::kRaw, origin);
  object = TRY(context.objects.add(*context.transaction, std::move(object), key));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  return object;
}

}  // namespace tapewarden::kmip

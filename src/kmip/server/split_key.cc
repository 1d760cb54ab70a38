// Create Split Key and Join Split Key (Specification 1.4 sections 4.38 and 4.39, 2.1 sections 6.1.10
// and 6.1.27). Each part is an object of the client's own. The ID placeholder becomes the first part, or the
// joined key.
#include <algorithm>

#include "base/concat.h"
#include "crypto/key_splitting.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/server/asymmetric_material.h"
#include "kmip/server/key_access.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/server/rights.h"
#include "kmip/server/symmetric_key.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::KeyPart;
using crypto::SecretBytes;
using crypto::SplitMethod;
using crypto::SplitTerms;
using keymgr::ManagedObject;
using ttlv::Item;
using ttlv::Tag;

struct MethodEntry {
  SplitKeyMethod method;
  SplitMethod split;
};
constexpr MethodEntry kMethods[] = {{SplitKeyMethod::kXOR, SplitMethod::kXor},
                                    {SplitKeyMethod::kPolynomialSharingGF216, SplitMethod::kGf16},
                                    {SplitKeyMethod::kPolynomialSharingPrimeField, SplitMethod::kPrimeField},
                                    {SplitKeyMethod::kPolynomialSharingGF28, SplitMethod::kGf8}};

std::unexpected<Error> split_refusal(const Error& error) {
  if (error.code == ErrorCode::kCorrupt) {
    return refuse(ResultReason::kCryptographicFailure, error.message, error.field);
  }
  return refuse(ResultReason::kInvalidField, error.message, error.field);
}

Result<Item> required(const Item& structure, Tag tag) {
  if (const auto item = structure.find(tag)) return *item;
  return refuse(ResultReason::kInvalidMessage, "it is missing", std::string(tag_name(tag)));
}

Result<unsigned> count_of(const Item& structure, Tag tag) {
  const auto value = TRY(TRY(required(structure, tag)).as_integer());
  if (value > 0) return static_cast<unsigned>(value);
  return refuse(ResultReason::kInvalidField, "it must be more than 0", std::string(tag_name(tag)));
}

// The field's size without what only makes it a positive Big Integer.
Result<Bytes> prime_of(const Item& structure) {
  const auto item = structure.find(tag::kPrimeFieldSize);
  if (!item) return Bytes();
  auto value = TRY(item->as_big_integer());
  if (!value.empty() && (value.front() & 0x80U) != 0) {
    return refuse(ResultReason::kInvalidField, "it is less than 0", "Prime Field Size");
  }
  while (!value.empty() && value.front() == 0) value = value.subspan(1);
  return to_bytes(value);
}

// Of a Create Split Key, or of a part.
Result<SplitTerms> read_terms(const Item& structure) {
  SplitTerms out;
  out.parts = TRY(count_of(structure, tag::kSplitKeyParts));
  out.threshold = TRY(count_of(structure, tag::kSplitKeyThreshold));
  const auto method = TRY(TRY(required(structure, tag::kSplitKeyMethod)).as_enumeration());
  const auto* found = std::ranges::find(kMethods, SplitKeyMethod(method), &MethodEntry::method);
  if (found == std::end(kMethods)) {
    return refuse(ResultReason::kInvalidField, "there is no such method", "Split Key Method");
  }
  out.method = found->split;
  out.prime = TRY(prime_of(structure));
  return out;
}

// What is split, and what the parts say of it.
struct Base {
  SecretBytes bytes;
  KeyFormatType format = KeyFormatType::kRaw;
  AttributeSet attributes;
};

bool flag_of(const ManagedObject& object, Tag tag, bool otherwise) {
  return boolean_of(object.attributes.find(AttributeId::of(tag))).value_or(otherwise);
}

// Parts together are the key, so a key that may not leave is not split.
Status check_splittable(OperationContext& context, const ManagedObject& object) {
  const bool key = object.type == ObjectType::kSymmetricKey || object.type == ObjectType::kSecretData ||
                   object.type == ObjectType::kPrivateKey;
  if (!key) {
    return refuse(ResultReason::kInvalidObjectType, "symmetric keys, private keys and secret data are split",
                  "Unique Identifier");
  }
  TRY(check_private_may_leave(context, object));
  if (!flag_of(object, tag::kExtractable, true)) {
    return refuse(ResultReason::kNotExtractable, "the object does not leave the server", "Extractable");
  }
  const auto state = TRY(context.objects.state_of(context.reader, object));
  if (state == keymgr::KeyState::kPreActive || state == keymgr::KeyState::kActive) return {};
  return refuse(ResultReason::kWrongKeyLifecycleState, concat("the object is ", keymgr::to_string(state)),
                "State");
}

// What the key's attributes say comes before what the request says.
void take_over(AttributeSet& into, const ManagedObject& from) {
  for (const auto tag :
       {tag::kCryptographicAlgorithm, tag::kCryptographicLength, tag::kCryptographicUsageMask}) {
    const auto id = AttributeId::of(tag);
    if (const auto* value = from.attributes.find(id)) into.set(id, value->item);
  }
  if (flag_of(from, tag::kSensitive, false))
    into.set(AttributeId::of(tag::kSensitive), boolean_item(tag::kSensitive, true));
}

Result<Base> read_base(OperationContext& context, const Item& payload, AttributeSet attributes) {
  if (!payload.find(tag::kUniqueIdentifier)) {
    auto drawn = TRY(draw_symmetric_key(context, attributes));
    return Base{std::move(drawn), KeyFormatType::kRaw, std::move(attributes)};
  }
  const auto object = TRY(named_object(context, payload, true));
  TRY(check_splittable(context, object));
  TRY(begin_read(context, object));  // its parts leave
  const auto key = TRY(open_plain_key(context, object));
  auto bytes = bytes_of(key);
  if (!bytes) return std::unexpected(bytes.error());
  if (object.type == ObjectType::kPrivateKey && !is_private_form(key.terms.format)) {
    return refuse(
        ResultReason::kKeyFormatTypeNotSupported,
        "private keys are split in PKCS #1, PKCS #8 and EC form: others do not say what they are of",
        "Key Format Type");
  }
  take_over(attributes, object);
  const bool transparent = key.terms.format == KeyFormatType::kTransparentSymmetricKey;
  return Base{*std::move(bytes), transparent ? KeyFormatType::kRaw : key.terms.format, std::move(attributes)};
}

void add_prime(ttlv::Writer& out, const SplitTerms& terms) {
  if (terms.method != SplitMethod::kPrimeField) return;
  Bytes positive{0};
  positive.insert(positive.end(), terms.prime.begin(), terms.prime.end());
  out.add_big_integer(tag::kPrimeFieldSize, positive);
}

Bytes content_of_part(const Base& base, const SplitTerms& terms, unsigned number) {
  const auto* method = std::ranges::find(kMethods, terms.method, &MethodEntry::split);
  ttlv::Writer out;
  out.begin(tag::kSplitKey);
  out.add_integer(tag::kSplitKeyParts, static_cast<std::int32_t>(terms.parts));
  out.add_integer(tag::kKeyPartIdentifier, static_cast<std::int32_t>(number));
  out.add_integer(tag::kSplitKeyThreshold, static_cast<std::int32_t>(terms.threshold));
  out.add_enumeration(tag::kSplitKeyMethod, method->method);
  add_prime(out, terms);
  out.begin(tag::kKeyBlock).add_enumeration(tag::kKeyFormatType, base.format);
  for (const auto field : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto* value = base.attributes.find(AttributeId::of(field))) out.add_encoded(value->item);
  }
  return out.end().end().take();
}

Result<ManagedObject> keep_part(OperationContext& context, const Base& base, const SplitTerms& terms,
                                const KeyPart& part) {
  ManagedObject object;
  object.type = ObjectType::kSplitKey;
  object.owner = context.client.owner;
  object.attributes = base.attributes;
  object.content = content_of_part(base, terms, part.number);
  object.state = first_state(object.attributes, context.now());
  const auto secret = key_value_of_bytes(part.content.reveal());
  object.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(secret)));
  add_server_attributes(object.attributes, part.content.reveal(), base.format, Origin::kGenerated);
  object = TRY(context.objects.add(*context.transaction, std::move(object), secret));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  return object;
}

Status check_type_to_split(const Item& payload) {
  const auto type = ObjectType(TRY(TRY(required(payload, tag::kObjectType)).as_enumeration()));
  if (type == ObjectType::kSplitKey || type == ObjectType::kSymmetricKey || type == ObjectType::kPrivateKey ||
      type == ObjectType::kSecretData) {
    return {};
  }
  return refuse(ResultReason::kInvalidObjectType, "symmetric keys, private keys and secret data are split",
                "Object Type");
}

// The key's own length, which the parts say: those over a prime field are longer.
void set_length(AttributeSet& attributes, const SecretBytes& key) {
  const auto id = AttributeId::of(tag::kCryptographicLength);
  const auto bits = static_cast<std::int32_t>(key.size() * 8);
  if (attributes.find(id) == nullptr) attributes.set(id, integer_item(tag::kCryptographicLength, bits));
}

}  // namespace

Status create_split_key(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kObjectType, tag::kUniqueIdentifier, tag::kSplitKeyParts,
                             tag::kSplitKeyThreshold, tag::kSplitKeyMethod, tag::kPrimeFieldSize,
                             tag::kTemplateAttribute, tag::kAttributes, tag::kProtectionStorageMasks}));
  TRY(check_type_to_split(payload));
  const auto terms = TRY(read_terms(payload));
  if (const auto possible = crypto::check_split_terms(terms); !possible)
    return split_refusal(possible.error());
  TRY(begin_write(context, {}));
  auto base = TRY(read_base(
      context, payload, TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes))));
  const auto& server = context.objects.manager().context();
  const auto parts = crypto::split_key(base.bytes, terms, *server.env.random);
  if (!parts) return split_refusal(parts.error());
  set_length(base.attributes, base.bytes);
  context.placeholder.reset();
  for (const auto& part : *parts) {
    const auto kept = TRY(keep_part(context, base, terms, part));
    if (part.number == 1) context.placeholder = kept.id;
    out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(kept));
  }
  return {};
}

namespace {

// The parts of a Join Split Key, and what they say of the key.
struct Parts {
  SplitTerms terms;
  std::vector<KeyPart> parts;
  KeyFormatType format = KeyFormatType::kRaw;
  std::size_t bytes = 0;  // of the key
  std::vector<ManagedObject> objects;
};

std::unexpected<Error> not_of_one_key(std::string_view field) {
  return refuse(ResultReason::kInvalidField, "the parts are not of one key", std::string(field));
}

Status take_part(OperationContext& context, ManagedObject object, Parts& into) {
  if (object.type != ObjectType::kSplitKey) {
    return refuse(ResultReason::kInvalidObjectType, "the object is no part of a key", "Unique Identifier");
  }
  const auto document = TRY(ttlv::decode(object.content));
  auto terms = TRY(read_terms(document.root()));
  auto key = TRY(open_plain_key(context, object));
  auto content = TRY(bytes_of(key));
  const bool prime = terms.method == SplitMethod::kPrimeField;
  if (prime && content.size() < terms.prime.size()) {  // as a number it may have come without leading zeros
    auto padded = SecretBytes::zeros(terms.prime.size());
    copy_bytes(padded.reveal_mutable().last(content.size()), content.reveal());
    content = std::move(padded);
  }
  const auto bits = key.terms.bits.value_or(0);
  if (prime && (bits <= 0 || bits % 8 != 0)) {
    return refuse(ResultReason::kInvalidField, "the part does not say how long the key is",
                  "Cryptographic Length");
  }
  const auto bytes = prime ? static_cast<std::size_t>(bits) / 8 : content.size();
  if (into.objects.empty()) {
    into.terms = terms;
    into.format = key.terms.format;
    into.bytes = bytes;
  }
  const bool same = terms.method == into.terms.method && terms.parts == into.terms.parts &&
                    terms.threshold == into.terms.threshold && terms.prime == into.terms.prime &&
                    key.terms.format == into.format && bytes == into.bytes;
  if (!same) return not_of_one_key("Split Key");
  into.parts.push_back({TRY(count_of(document.root(), tag::kKeyPartIdentifier)), std::move(content)});
  into.objects.push_back(std::move(object));
  return {};
}

Result<Parts> read_parts(OperationContext& context, const Item& payload) {
  Parts out;
  for (const Item child : payload.children()) {
    if (child.tag() != tag::kUniqueIdentifier) continue;
    if (out.parts.size() >= crypto::kMostKeyParts) {
      return refuse(ResultReason::kServerLimitExceeded, concat("more than ", crypto::kMostKeyParts, " parts"),
                    "Unique Identifier");
    }
    TRY(take_part(context, TRY(object_by(context, child, true)), out));
  }
  if (!out.parts.empty()) return out;
  return refuse(ResultReason::kInvalidMessage, "no parts are named", "Unique Identifier");
}

// What the request does not say, the parts do; and a key is no freer than its parts were.
void complete(AttributeSet& attributes, const Parts& parts) {
  for (const auto tag :
       {tag::kCryptographicAlgorithm, tag::kCryptographicLength, tag::kCryptographicUsageMask}) {
    const auto id = AttributeId::of(tag);
    const auto* value = parts.objects.front().attributes.find(id);
    if (attributes.find(id) == nullptr && value != nullptr) attributes.set(id, value->item);
  }
  for (const auto& part : parts.objects) {
    if (flag_of(part, tag::kSensitive, false)) {
      attributes.set(AttributeId::of(tag::kSensitive), boolean_item(tag::kSensitive, true));
    }
    if (!flag_of(part, tag::kExtractable, true)) {
      attributes.set(AttributeId::of(tag::kExtractable), boolean_item(tag::kExtractable, false));
    }
  }
}

// The structure of the joined object, as a client would register it, without its key.
Result<Bytes> joined_content(const Item& payload, ObjectType type, const Parts& parts,
                             const AttributeSet& attributes) {
  ttlv::Writer out;
  out.begin(*tag_of_object(static_cast<std::uint32_t>(type)));
  if (type == ObjectType::kSecretData) {
    const auto given = payload.find(tag::kSecretDataType);
    const auto kind =
        given ? TRY(given->as_enumeration()) : static_cast<std::uint32_t>(SecretDataType::kSeed);
    out.add_enumeration(tag::kSecretDataType, SecretDataType(kind));
  }
  out.begin(tag::kKeyBlock).add_enumeration(tag::kKeyFormatType, parts.format);
  for (const auto field : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto* value = attributes.find(AttributeId::of(field))) out.add_encoded(value->item);
  }
  return out.end().end().take();
}

// That it can be an object of that type.
Status check_joined(ObjectType type, const SecretBytes& key, const Parts& parts,
                    const AttributeSet& attributes) {
  if (type == ObjectType::kSecretData) return {};
  for (const auto tag : {tag::kCryptographicAlgorithm, tag::kCryptographicUsageMask}) {
    if (attributes.find(AttributeId::of(tag)) != nullptr) continue;
    return refuse(ResultReason::kInvalidMessage, "it is missing, and no part says it",
                  std::string(tag_name(tag)));
  }
  if (type == ObjectType::kSymmetricKey) {
    const auto bits = integer_of(attributes.find(AttributeId::of(tag::kCryptographicLength)));
    const bool fits =
        parts.format == KeyFormatType::kRaw && (!bits || std::cmp_less_equal(*bits, key.size() * 8));
    return fits ? Status() : not_of_one_key("Cryptographic Length");
  }
  auto item = ttlv::Writer().add_bytes(tag::kKeyMaterial, key.reveal()).take();
  const auto document = ttlv::decode(item);
  const auto parsed = read_asymmetric(parts.format, true, document->root());
  crypto::wipe(item);
  if (parsed) return {};
  return refuse(ResultReason::kCryptographicFailure, "what the parts give is no private key", "Object Type");
}

// A private key that were joined to something else would leave as that.
Status check_stays_private(const OperationContext& context, ObjectType type, const Parts& parts) {
  if (type == ObjectType::kPrivateKey) return {};
  return check_private_may_leave(context, parts.objects.front());
}

Result<ObjectType> type_to_join(const Item& payload) {
  const auto type = ObjectType(TRY(TRY(required(payload, tag::kObjectType)).as_enumeration()));
  if (type == ObjectType::kSymmetricKey || type == ObjectType::kPrivateKey ||
      type == ObjectType::kSecretData) {
    return type;
  }
  return refuse(ResultReason::kInvalidObjectType, "parts form symmetric keys, private keys and secret data",
                "Object Type");
}

}  // namespace

Status join_split_key(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kObjectType, tag::kUniqueIdentifier, tag::kSecretDataType,
                             tag::kTemplateAttribute, tag::kAttributes, tag::kProtectionStorageMasks}));
  const auto type = TRY(type_to_join(payload));
  const auto parts = TRY(read_parts(context, payload));
  TRY(check_stays_private(context, type, parts));
  TRY(begin_write(context, {}));
  const auto key = crypto::join_key(parts.parts, parts.terms, parts.bytes);
  if (!key) return split_refusal(key.error());
  ManagedObject object;
  object.type = type;
  object.owner = context.client.owner;
  object.attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  complete(object.attributes, parts);
  TRY(check_joined(type, *key, parts, object.attributes));
  object.content = TRY(joined_content(payload, type, parts, object.attributes));
  object.state = first_state(object.attributes, context.now());
  const auto secret = key_value_of_bytes(key->reveal());
  object.fingerprint = to_bytes(ByteView(keymgr::fingerprint_of(secret)));
  add_server_attributes(object.attributes, key->reveal(), parts.format, Origin::kBrought);
  object = TRY(context.objects.add(*context.transaction, std::move(object), secret));
  context.audit.emplace_back("object", keymgr::unique_identifier(object));
  context.placeholder = object.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

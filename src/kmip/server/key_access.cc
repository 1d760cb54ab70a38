#include "kmip/server/key_access.h"

#include "base/concat.h"
#include "kmip/names.h"
#include "kmip/server/asymmetric_material.h"
#include "kmip/server/key_wrapping.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::SecretBytes;
using keymgr::KeyState;
using keymgr::ManagedObject;

std::unexpected<Error> no_key_block() {
  return refuse(ResultReason::kIllegalObjectType, "the object is no key", "Unique Identifier");
}

}  // namespace

Result<Bytes> content_of(const ManagedObject& object) {
  if (!object.content.empty()) return object.content;
  const auto tag = tag_of_object(static_cast<std::uint32_t>(object.type));
  if (!tag) return fail(ErrorCode::kCorrupt, "an object of no type");
  ttlv::Writer out;
  out.begin(*tag).begin(tag::kKeyBlock);
  out.add_enumeration(tag::kKeyFormatType, KeyFormatType::kRaw);
  for (const auto field : {tag::kCryptographicAlgorithm, tag::kCryptographicLength}) {
    if (const auto* value = object.attributes.find(AttributeId::of(field))) out.add_encoded(value->item);
  }
  out.end().end();
  return out.take();
}

Result<OpenedKey> open_key(OperationContext& context, const ManagedObject& object) {
  const auto content = TRY(content_of(object));
  const auto document = TRY(ttlv::decode(content));
  const auto terms = key_block_terms(document.root());
  if (!terms) return no_key_block();
  return open_key(context, object, *terms);
}

Result<OpenedKey> open_key(OperationContext& context, const ManagedObject& object,
                           const KeyBlockTerms& terms) {
  auto secret = TRY(context.objects.open(context.reader, object));
  if (object.content.empty()) secret = key_value_of_bytes(secret.reveal());
  return OpenedKey{std::move(secret), terms};
}

Result<OpenedKey> open_plain_key(OperationContext& context, const ManagedObject& object) {
  auto key = TRY(open_key(context, object));
  if (!key.terms.wrapped) return key;
  const auto content = TRY(content_of(object));
  const auto document = TRY(ttlv::decode(content));
  const auto data = *document.root().find(tag::kKeyBlock)->find(tag::kKeyWrappingData);
  key.value = TRY(unwrap_key_value(context, data, key));
  key.terms.wrapped = false;
  return key;
}

Result<SecretBytes> bytes_of(const OpenedKey& key) {
  const auto document = TRY(ttlv::decode(key.value.reveal()));
  const auto material = document.root().find(tag::kKeyMaterial);
  if (material && !material->is_structure()) return SecretBytes::copy_of(TRY(material->as_bytes()));
  const auto inner = material ? material->find(tag::kKey) : std::nullopt;
  if (inner) return SecretBytes::copy_of(TRY(inner->as_bytes()));
  return refuse(ResultReason::kKeyFormatTypeNotSupported, "the key is no symmetric key", "Key Format Type");
}

Result<crypto::AsymmetricKey> asymmetric_of(const OpenedKey& key, ObjectType type) {
  const auto document = TRY(ttlv::decode(key.value.reveal()));
  const auto material = document.root().find(tag::kKeyMaterial);
  if (!material || (type != ObjectType::kPrivateKey && type != ObjectType::kPublicKey)) return no_key_block();
  return read_asymmetric(key.terms.format, type == ObjectType::kPrivateKey, *material);
}

bool is_private_form(KeyFormatType format) {
  switch (format) {
    case KeyFormatType::kPKCS_1:
    case KeyFormatType::kPKCS_8:
    case KeyFormatType::kPKCS_12:
    case KeyFormatType::kECPrivateKey:
    case KeyFormatType::kTransparentRSAPrivateKey:
    case KeyFormatType::kTransparentDSAPrivateKey:
    case KeyFormatType::kTransparentDHPrivateKey:
    case KeyFormatType::kTransparentECPrivateKey:
    case KeyFormatType::kTransparentECDSAPrivateKey:
    case KeyFormatType::kTransparentECDHPrivateKey:
    case KeyFormatType::kTransparentECMQVPrivateKey:
      return true;
    default:
      return false;
  }
}

bool holds_private_key(const ManagedObject& object) {
  if (object.type == ObjectType::kPrivateKey) return true;
  if (object.type != ObjectType::kSplitKey) return false;
  const auto document = ttlv::decode(object.content);
  const auto terms = document ? key_block_terms(document->root()) : std::nullopt;
  return terms && is_private_form(terms->format);
}

Status check_private_may_leave(const OperationContext& context, const ManagedObject& object) {
  if (context.client.may_export || !holds_private_key(object)) return {};
  return refuse(
      ResultReason::kPermissionDenied,
      "an officer has not allowed this client to take private keys out, nor parts of them: they are "
      "used here",
      "Unique Identifier");
}

Status check_may_leave(const ManagedObject& object, bool wrapped) {
  const auto flag = [&](ttlv::Tag tag) { return boolean_of(object.attributes.find(AttributeId::of(tag))); };
  if (flag(tag::kSensitive).value_or(false) && !wrapped) {
    return refuse(ResultReason::kSensitive, "the object is sensitive: it leaves only wrapped", "Sensitive");
  }
  if (!flag(tag::kExtractable).value_or(true)) {
    return refuse(ResultReason::kNotExtractable, "the object does not leave the server", "Extractable");
  }
  return {};
}

namespace {

Status check_dates(const OperationContext& context, const ManagedObject& object, bool protects) {
  const auto now = to_millis(context.now()) / 1000;
  const auto date = [&](ttlv::Tag tag) { return date_of(object.attributes.find(AttributeId::of(tag))); };
  const auto refused = [](const char* field) {
    return refuse(ResultReason::kWrongKeyLifecycleState, "the object is not to be used so at this time",
                  field);
  };
  const auto start = date(tag::kProcessStartDate);
  if (!protects && start && *start > now) return refused("Process Start Date");
  const auto stop = date(tag::kProtectStopDate);
  if (protects && stop && *stop <= now) return refused("Protect Stop Date");
  return {};
}

}  // namespace

Status check_use(OperationContext& context, const ManagedObject& object, const KeyUse& use) {
  const auto state = TRY(context.objects.state_of(context.reader, object));
  const bool over = state == KeyState::kDeactivated || state == KeyState::kCompromised;
  if (state != KeyState::kActive && (use.protects || !over)) {
    return refuse(ResultReason::kWrongKeyLifecycleState, concat("the object is ", keymgr::to_string(state)),
                  "State");
  }
  TRY(check_dates(context, object, use.protects));
  const auto mask = integer_of(object.attributes.find(AttributeId::of(tag::kCryptographicUsageMask)));
  if ((mask.value_or(0) & static_cast<std::int32_t>(use.bit)) != 0) return {};
  return refuse(ResultReason::kIncompatibleCryptographicUsageMask, "the object is not for that use",
                "Cryptographic Usage Mask");
}

Status spend(OperationContext& context, const ManagedObject& object, std::size_t bytes) {
  const auto* limits = object.attributes.find(AttributeId::of(tag::kUsageLimits));
  if (limits == nullptr) return {};
  const auto document = TRY(ttlv::decode(limits->item));
  const auto unit = TRY(document.root().find(tag::kUsageLimitsUnit)->as_enumeration());
  const bool by_bytes = unit == static_cast<std::uint32_t>(UsageLimitsUnit::kByte);
  auto taken = allocate(context, object, by_bytes ? static_cast<std::int64_t>(bytes) : 1);
  if (taken || reason_of(taken.error(), kNewest) != ResultReason::kUsageLimitExceeded) return taken;
  // As the cases of OASIS have it (CS-BC-M-7); Usage Limit Exceeded is the answer of Get Usage Allocation.
  return refuse(ResultReason::kPermissionDenied, "fewer uses are left", "Usage Limits Count");
}

Status allocate(OperationContext& context, const ManagedObject& object, std::int64_t count) {
  const auto id = AttributeId::of(tag::kUsageLimits);
  const auto* limits = object.attributes.find(id);
  if (limits == nullptr) return {};
  const auto document = TRY(ttlv::decode(limits->item));
  const auto total = *document.root().find(tag::kUsageLimitsTotal);
  const auto counted = document.root().find(tag::kUsageLimitsCount);
  const auto left = TRY(counted.value_or(total).as_long_integer());
  if (count > left) {
    return refuse(ResultReason::kUsageLimitExceeded, "fewer uses are left", "Usage Limits Count");
  }
  ttlv::Writer out;
  out.begin(tag::kUsageLimits).add_encoded(total.encoding());
  out.add_long_integer(tag::kUsageLimitsCount, left - count);
  out.add_encoded(document.root().find(tag::kUsageLimitsUnit)->encoding());
  auto after = object;
  after.attributes.set(id, out.end().take());
  return context.objects.change(*context.transaction, object, std::move(after));
}

std::unexpected<Error> crypto_refusal(const Error& error) {
  switch (error.code) {
    case ErrorCode::kCorrupt:
      return refuse(ResultReason::kCryptographicFailure, error.message, error.field);
    case ErrorCode::kUnsupported:
      return refuse(ResultReason::kUnsupportedCryptographicParameters, error.message, error.field);
    default:
      return refuse(ResultReason::kBadCryptographicParameters, error.message, error.field);
  }
}

}  // namespace tapewarden::kmip

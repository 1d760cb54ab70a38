#include "kmip/server/key_wrapping.h"

#include "base/concat.h"
#include "crypto/cipher.h"
#include "kmip/names.h"
#include "kmip/server/crypto_parameters.h"
#include "kmip/server/rights.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::SecretBytes;
using keymgr::ManagedObject;
using ttlv::Item;

struct Wrapping {
  ManagedObject object;  // the key that wraps
  CryptoParameters parameters;
  bool encoded = true;  // the whole Key Value is wrapped; false: the Key Material alone
};

Result<ManagedObject> wrapping_object(OperationContext& context, const Item& information) {
  const auto item = information.find(tag::kUniqueIdentifier);
  if (!item) {
    return refuse(ResultReason::kInvalidMessage, "the wrapping key is missing", "Unique Identifier");
  }
  const auto id = Uuid::parse(TRY(item->as_text()));
  auto object = id ? TRY(context.objects.find(context.reader, *id)) : std::nullopt;
  if (!object || object->owner != context.client.owner) {
    return refuse(ResultReason::kWrappingObjectNotFound, "the client has no such wrapping key",
                  "Unique Identifier");
  }
  if (TRY(context.objects.is_gone(context.reader, *object))) {
    return refuse(ResultReason::kWrappingObjectDestroyed, "the wrapping key was destroyed",
                  "Unique Identifier");
  }
  if (object->archived != keymgr::kNever) {
    return refuse(ResultReason::kWrappingObjectArchived, "the wrapping key is in the archive",
                  "Unique Identifier");
  }
  return *std::move(object);
}

Result<bool> is_encoded(const Item& item) {
  const auto option = item.find(tag::kEncodingOption);
  if (!option) return true;
  const auto value = EncodingOption(TRY(option->as_enumeration()));
  if (value == EncodingOption::kNoEncoding) return false;
  if (value == EncodingOption::kTTLVEncoding) return true;
  return refuse(ResultReason::kEncodingOptionError, "there is no such encoding", "Encoding Option");
}

// Of a Key Wrapping Specification or Key Wrapping Data.
Result<Wrapping> read_wrapping(OperationContext& context, const Item& item, const KeyUse& use) {
  const auto method = item.find(tag::kWrappingMethod);
  if (!method) return refuse(ResultReason::kInvalidMessage, "it is missing", "Wrapping Method");
  if (TRY(method->as_enumeration()) != static_cast<std::uint32_t>(WrappingMethod::kEncrypt)) {
    return refuse(ResultReason::kKeyWrapTypeNotSupported, "keys are wrapped by encryption here",
                  "Wrapping Method");
  }
  const auto information = item.find(tag::kEncryptionKeyInformation);
  if (!information) {
    return refuse(ResultReason::kInvalidMessage, "it is missing", "Encryption Key Information");
  }
  if (item.find(tag::kAttributeName)) {
    return refuse(ResultReason::kFeatureNotSupported, "attributes are not wrapped with a key",
                  "Attribute Name");
  }
  Wrapping out;
  out.object = TRY(wrapping_object(context, *information));
  TRY(check_right(context, out.object, keymgr::Right::kRead));
  TRY(check_use(context, out.object, use));
  out.parameters = TRY(parameters_of(*information, &out.object));
  out.encoded = TRY(is_encoded(item));
  return out;
}

std::unexpected<Error> no_such_mode() {
  return refuse(ResultReason::kKeyWrapTypeNotSupported,
                "a symmetric key wraps with NIST Key Wrap or AES Key Wrap Padding", "Block Cipher Mode");
}

// Nothing: no mode that is offered.
Result<bool> is_padded(const CryptoParameters& parameters) {
  const auto mode = parameters.mode.value_or(BlockCipherMode::kNISTKeyWrap);
  if (mode == BlockCipherMode::kNISTKeyWrap) return false;
  if (mode == BlockCipherMode::kAESKeyWrapPadding) return true;
  return no_such_mode();
}

Result<Bytes> encrypt(OperationContext& context, const Wrapping& wrapping, const SecretBytes& plain) {
  const auto key = TRY(open_plain_key(context, wrapping.object));
  Result<Bytes> out;
  if (wrapping.object.type == ObjectType::kPublicKey) {
    const auto scheme = TRY(encryption_of(wrapping.parameters));
    out = TRY(asymmetric_of(key, wrapping.object.type)).encrypt(scheme, plain.reveal());
  } else {
    out = crypto::wrap_key(TRY(bytes_of(key)), plain, TRY(is_padded(wrapping.parameters)));
  }
  return out ? std::move(out) : crypto_refusal(out.error());
}

Result<SecretBytes> decrypt(OperationContext& context, const Wrapping& wrapping, ByteView wrapped) {
  // One level: a key that is wrapped itself does not unwrap.
  const auto key = TRY(open_key(context, wrapping.object));
  if (key.terms.wrapped) {
    return refuse(ResultReason::kFeatureNotSupported, "the wrapping key is wrapped itself",
                  "Unique Identifier");
  }
  Result<SecretBytes> out;
  if (wrapping.object.type == ObjectType::kPrivateKey) {
    const auto scheme = TRY(encryption_of(wrapping.parameters));
    out = TRY(asymmetric_of(key, wrapping.object.type)).decrypt(scheme, wrapped);
  } else {
    out = crypto::unwrap_key(TRY(bytes_of(key)), wrapped, TRY(is_padded(wrapping.parameters)));
  }
  if (!out) return crypto_refusal(out.error());
  return std::move(*out);
}

// What the answer says of the wrapping: what was asked for.
Bytes wrapping_data(const Item& specification) {
  ttlv::Writer out;
  out.begin(tag::kKeyWrappingData);
  for (const auto field : {tag::kWrappingMethod, tag::kEncryptionKeyInformation, tag::kEncodingOption}) {
    if (const auto item = specification.find(field)) out.add_encoded(item->encoding());
  }
  return out.end().take();
}

}  // namespace

Result<WrappedKey> wrap_key_value(OperationContext& context, const Item& specification,
                                  const OpenedKey& key) {
  if (key.terms.wrapped) {
    return refuse(ResultReason::kWrongKeyLifecycleState, "the key is wrapped already",
                  "Key Wrapping Specification");
  }
  const auto wrapping = TRY(read_wrapping(context, specification, {CryptographicUsageMask::kWrapKey, true}));
  WrappedKey out;
  ttlv::Writer value;
  if (wrapping.encoded) {
    value.add_bytes(tag::kKeyValue, TRY(encrypt(context, wrapping, key.value)));
  } else {
    const auto wrapped = TRY(encrypt(context, wrapping, TRY(bytes_of(key))));
    value.begin(tag::kKeyValue).add_bytes(tag::kKeyMaterial, wrapped).end();
  }
  out.value = SecretBytes::copy_of(value.take());
  out.data = wrapping_data(specification);
  return out;
}

Result<SecretBytes> unwrap_key_value(OperationContext& context, const Item& data, const OpenedKey& key) {
  const auto wrapping = TRY(read_wrapping(context, data, {CryptographicUsageMask::kUnwrapKey, false}));
  const auto document = TRY(ttlv::decode(key.value.reveal()));
  const auto value = document.root();
  if (value.is_structure()) {
    const auto material = value.find(tag::kKeyMaterial);
    return key_value_of_bytes(TRY(decrypt(context, wrapping, TRY(material->as_bytes()))).reveal());
  }
  auto plain = TRY(decrypt(context, wrapping, TRY(value.as_bytes())));
  const auto inner = ttlv::decode(plain.reveal());
  const bool fits = inner && inner->root().tag() == tag::kKeyValue && inner->root().find(tag::kKeyMaterial);
  if (!fits) {
    return refuse(ResultReason::kEncodingOptionError, "what was wrapped is no encoded Key Value",
                  "Encoding Option");
  }
  return plain;
}

}  // namespace tapewarden::kmip

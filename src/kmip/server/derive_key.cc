// Derive Key (Specification 1.4 section 4.6, 2.1 section 6.1.14): PBKDF2, a hash, HMAC, encryption, or an
// agreement of elliptic curves.
#include "base/concat.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/server/key_pair.h"
#include "kmip/server/key_uses.h"
#include "kmip/server/operations.h"
#include "kmip/server/symmetric_key.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::SecretBytes;
using keymgr::ManagedObject;
using ttlv::Item;

constexpr std::int32_t kMostDerivedBits = 4096;
// Of PBKDF2 within the transaction: a batch of such keys, carried out again for each item that fails, stays
// under a second.
constexpr std::int64_t kMostRoundsWithin = 1'000;

struct Base {
  std::vector<ManagedObject> objects;
  Item parameters;  // Derivation Parameters
  CryptoParameters crypto;
  SecretBytes data;  // Derivation Data, or that of a second object
};

Result<std::vector<ManagedObject>> base_objects(OperationContext& context, const Item& payload) {
  std::vector<ManagedObject> out;
  for (const Item child : payload.children()) {
    if (child.tag() != tag::kUniqueIdentifier) continue;
    if (out.size() >= 2) return refuse(ResultReason::kInvalidField, "one or two", "Unique Identifier");
    out.push_back(TRY(object_by(context, child, true)));
  }
  if (out.empty()) out.push_back(TRY(named_object(context, payload, true)));
  for (const auto& object : out) {
    TRY(check_use(context, object, {CryptographicUsageMask::kDeriveKey, true}));
  }
  return out;
}

Result<Base> read_base(OperationContext& context, const Item& payload) {
  const auto parameters = payload.find(tag::kDerivationParameters);
  if (!parameters || !parameters->is_structure()) {
    return refuse(ResultReason::kInvalidMessage, "they are missing", "Derivation Parameters");
  }
  Base out{TRY(base_objects(context, payload)), *parameters, {}, {}};
  out.crypto = TRY(parameters_of(*parameters, &out.objects.front()));
  if (const auto data = parameters->find(tag::kDerivationData)) {
    out.data = SecretBytes::copy_of(TRY(data->as_bytes()));
  } else if (out.objects.size() == 2 && out.objects[1].type != ObjectType::kPublicKey) {
    out.data = TRY(bytes_of(TRY(open_plain_key(context, out.objects[1]))));
  }
  return out;
}

Result<crypto::DigestName> hash_of(const Base& base) {
  if (base.crypto.hash) return digest_of(*base.crypto.hash);
  const auto mac = mac_of(base.crypto, std::nullopt);
  if (mac && *mac) return **mac;
  return refuse(ResultReason::kInvalidMessage, "it is missing", "Hashing Algorithm");
}

Result<SecretBytes> key_bytes(OperationContext& context, const Base& base) {
  return bytes_of(TRY(open_plain_key(context, base.objects.front())));
}

struct Pbkdf2 {
  crypto::DigestName hash{};
  SecretBytes password;
  Bytes salt;
  unsigned iterations = 0;
  std::size_t bytes = 0;
  std::int64_t rounds = 0;  // iterations of all blocks

  Result<SecretBytes> run() const {
    auto out = crypto::pbkdf2(hash, password, salt, iterations, bytes);
    if (!out) return crypto_refusal(out.error());
    return *std::move(out);
  }
};

Result<Pbkdf2> read_pbkdf2(OperationContext& context, const Base& base, std::size_t bytes) {
  const auto salt = base.parameters.find(tag::kSalt);
  const auto count = base.parameters.find(tag::kIterationCount);
  if (!salt || !count) {
    return refuse(ResultReason::kInvalidMessage, "they are missing", "Salt and Iteration Count");
  }
  const auto most = context.settings.most_iterations;
  const auto iterations = TRY(count->as_integer());
  if (iterations < 1 || iterations > most) {
    return refuse(ResultReason::kInvalidField, concat("1 to ", most), "Iteration Count");
  }
  const auto hash = TRY(hash_of(base));
  const auto size = crypto::digest_size(hash);
  const auto blocks = static_cast<std::int64_t>((bytes + size - 1) / size);
  if (iterations * blocks > most) {
    return refuse(ResultReason::kInvalidField,
                  concat("a key of this length takes ", blocks, " times as many: 1 to ", most / blocks),
                  "Iteration Count");
  }
  return Pbkdf2{hash,
                TRY(key_bytes(context, base)),
                to_bytes(TRY(salt->as_bytes())),
                static_cast<unsigned>(iterations),
                bytes,
                iterations * blocks};
}

// What was derived before the transaction is of the same key: an object's secret never changes, and no object
// takes another one's identifier.
Result<SecretBytes> by_pbkdf2(OperationContext& context, const Base& base, std::size_t bytes) {
  const auto wanted = TRY(read_pbkdf2(context, base, bytes));
  const bool ahead = context.drawn != nullptr && context.drawn->derived.size() == bytes;
  if (ahead) return context.drawn->derived.clone();
  if (wanted.rounds > kMostRoundsWithin) return takes_long_within("Iteration Count");
  return wanted.run();
}

Result<SecretBytes> by_hash(OperationContext& context, const Base& base) {
  const auto key = TRY(key_bytes(context, base));
  const auto over = base.data.empty() ? key.reveal() : base.data.reveal();
  auto plain = TRY(crypto::digest(TRY(hash_of(base)), over));
  auto out = SecretBytes::copy_of(plain);
  crypto::wipe(plain);
  return out;
}

Result<SecretBytes> by_hmac(OperationContext& context, const Base& base) {
  auto mac = crypto::MacStream::start(TRY(hash_of(base)), TRY(key_bytes(context, base)));
  if (!mac) return crypto_refusal(mac.error());
  mac->update(base.data.reveal());
  auto plain = mac->finish();
  auto out = SecretBytes::copy_of(plain);
  crypto::wipe(plain);
  return out;
}

// Who has the key can undo it, so another object's secret that is encrypted leaves.
Status check_data_may_leave(const OperationContext& context, const Base& base) {
  if (base.objects.size() < 2 || base.parameters.find(tag::kDerivationData)) return {};
  TRY(check_private_may_leave(context, base.objects[1]));
  return check_may_leave(base.objects[1], true);
}

Result<SecretBytes> by_encryption(OperationContext& context, const Base& base) {
  TRY(check_data_may_leave(context, base));
  const auto algorithm = algorithm_of(base.objects.front());
  if (!algorithm) return refuse(ResultReason::kIllegalObjectType, "the object is no key to a cipher");
  const auto spec = TRY(cipher_of(*algorithm, base.crypto));
  const auto iv = base.parameters.find(tag::kInitializationVector);
  const auto start = iv ? TRY(iv->as_bytes()) : ByteView();
  auto cipher = crypto::Cipher::start(spec, true, TRY(key_bytes(context, base)), start, {});
  if (!cipher) return crypto_refusal(cipher.error());
  auto plain = cipher->update(base.data.reveal());
  const auto rest = plain ? cipher->finish() : Result<Bytes>(Bytes());
  if (!plain) return crypto_refusal(plain.error());
  if (!rest) return crypto_refusal(rest.error());
  plain->insert(plain->end(), rest->begin(), rest->end());
  auto out = SecretBytes::copy_of(*plain);
  crypto::wipe(*plain);
  return out;
}

Result<SecretBytes> by_agreement(OperationContext& context, const Base& base) {
  if (base.objects.size() != 2) {
    return refuse(ResultReason::kInvalidMessage, "a private key, and the other's public key",
                  "Unique Identifier");
  }
  const auto& own = base.objects[0];
  const auto& other = base.objects[1];
  const auto key = TRY(asymmetric_of(TRY(open_plain_key(context, own)), own.type));
  const auto peer = TRY(asymmetric_of(TRY(open_plain_key(context, other)), other.type));
  auto out = key.agree(peer);
  if (!out) return crypto_refusal(out.error());
  return *std::move(out);
}

Result<SecretBytes> derive(OperationContext& context, const Item& payload, std::size_t bytes) {
  const auto method = payload.find(tag::kDerivationMethod);
  if (!method) return refuse(ResultReason::kInvalidMessage, "it is missing", "Derivation Method");
  const auto value = TRY(method->as_enumeration());
  const auto base = TRY(read_base(context, payload));
  switch (DerivationMethod(value)) {
    case DerivationMethod::kPBKDF2:
      return by_pbkdf2(context, base, bytes);
    case DerivationMethod::kHASH:
      return by_hash(context, base);
    case DerivationMethod::kHMAC:
      return by_hmac(context, base);
    case DerivationMethod::kENCRYPT:
      return by_encryption(context, base);
    case DerivationMethod::kAsymmetricKey:
      return by_agreement(context, base);
    default:
      return refuse(ResultReason::kUnsupportedCryptographicParameters,
                    concat(value_text(tag::kDerivationMethod, value), " is not offered here"),
                    "Derivation Method");
  }
}

Result<std::size_t> wanted_bytes(const AttributeSet& attributes) {
  const auto bits = integer_of(attributes.find(AttributeId::of(tag::kCryptographicLength)));
  if (!bits) return refuse(ResultReason::kInvalidMessage, "it is missing", "Cryptographic Length");
  if (*bits < 8 || *bits > kMostDerivedBits || *bits % 8 != 0) {
    return refuse(ResultReason::kInvalidField, concat("8 to ", kMostDerivedBits, ", in whole bytes"),
                  "Cryptographic Length");
  }
  return static_cast<std::size_t>(*bits) / 8;
}

}  // namespace

Result<DrawingWork> draw_derived_key(OperationContext& context, const Item& payload) {
  const auto method = payload.find(tag::kDerivationMethod);
  const bool slow =
      method && TRY(method->as_enumeration()) == static_cast<std::uint32_t>(DerivationMethod::kPBKDF2);
  if (!slow) return refuse(ResultReason::kInvalidField, "there is nothing slow in it", "Derivation Method");
  const auto attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  const auto base = TRY(read_base(context, payload));
  auto wanted =
      std::make_shared<const Pbkdf2>(TRY(read_pbkdf2(context, base, TRY(wanted_bytes(attributes)))));
  return [wanted = std::move(wanted)]() -> Result<Drawn> { return Drawn{std::nullopt, TRY(wanted->run())}; };
}

Status derive_key(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kObjectType, tag::kUniqueIdentifier, tag::kDerivationMethod,
                             tag::kDerivationParameters, tag::kTemplateAttribute, tag::kAttributes}));
  const auto type = payload.find(tag::kObjectType);
  if (!type) return refuse(ResultReason::kInvalidMessage, "it is missing", "Object Type");
  if (TRY(type->as_enumeration()) != static_cast<std::uint32_t>(ObjectType::kSymmetricKey)) {
    return refuse(ResultReason::kInvalidObjectType, "symmetric keys are derived here", "Object Type");
  }
  auto attributes = TRY(given_attributes(context, payload, tag::kTemplateAttribute, tag::kAttributes));
  const auto bytes = TRY(wanted_bytes(attributes));
  TRY(check_may_draw(context));
  const auto derived = TRY(derive(context, payload, bytes));
  if (derived.size() < bytes) {
    return refuse(ResultReason::kCryptographicFailure,
                  concat("the method gives ", derived.size() * 8, " bits"), "Cryptographic Length");
  }
  const auto key = SecretBytes::copy_of(derived.reveal().first(bytes));
  const auto object = TRY(keep_symmetric_key(context, std::move(attributes), key, Origin::kBrought));
  context.placeholder = object.id;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(object));
  return {};
}

}  // namespace tapewarden::kmip

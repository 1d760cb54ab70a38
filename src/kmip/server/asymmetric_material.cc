#include "kmip/server/asymmetric_material.h"

#include <algorithm>
#include <span>

#include "base/concat.h"
#include "kmip/names.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {
namespace {

using crypto::AsymmetricKey;
using crypto::KeyAlgorithm;
using crypto::KeyEncoding;
using crypto::KeyNumbers;
using crypto::SecretBytes;
using ttlv::Item;
using ttlv::Tag;

// Beyond it a single use would take minutes.
constexpr unsigned kMostBits = 16384;

struct Curve {
  RecommendedCurve curve;
  const char* name;
};
constexpr Curve kCurves[] = {
    {RecommendedCurve::kP_192, "prime192v1"}, {RecommendedCurve::kP_224, "secp224r1"},
    {RecommendedCurve::kP_256, "prime256v1"}, {RecommendedCurve::kP_384, "secp384r1"},
    {RecommendedCurve::kP_521, "secp521r1"},  {RecommendedCurve::kSECP256K1, "secp256k1"},
    {RecommendedCurve::kK_233, "sect233k1"},  {RecommendedCurve::kB_233, "sect233r1"},
    {RecommendedCurve::kK_283, "sect283k1"},  {RecommendedCurve::kB_283, "sect283r1"},
    {RecommendedCurve::kK_409, "sect409k1"},  {RecommendedCurve::kB_409, "sect409r1"},
    {RecommendedCurve::kK_571, "sect571k1"},  {RecommendedCurve::kB_571, "sect571r1"},
};

std::unexpected<Error> not_supported(KeyFormatType format) {
  return refuse(ResultReason::kKeyFormatTypeNotSupported,
                concat("an asymmetric key has no form ",
                       value_text(tag::kKeyFormatType, static_cast<std::uint32_t>(format))),
                "Key Format Type");
}

std::unexpected<Error> no_key() {
  return refuse(ResultReason::kInvalidField, "the Key Material is no key of its Key Format Type",
                "Key Material");
}

std::optional<KeyEncoding> encoding_of(KeyFormatType format) {
  switch (format) {
    case KeyFormatType::kPKCS_1:
      return KeyEncoding::kPkcs1;
    case KeyFormatType::kPKCS_8:
      return KeyEncoding::kPkcs8;
    case KeyFormatType::kX_509:
      return KeyEncoding::kSpki;
    case KeyFormatType::kECPrivateKey:
      return KeyEncoding::kSec1;
    default:
      return std::nullopt;
  }
}

struct TransparentForm {
  KeyFormatType format;
  KeyAlgorithm algorithm;
  bool is_private;
};
constexpr TransparentForm kTransparent[] = {
    {KeyFormatType::kTransparentRSAPrivateKey, KeyAlgorithm::kRsa, true},
    {KeyFormatType::kTransparentRSAPublicKey, KeyAlgorithm::kRsa, false},
    {KeyFormatType::kTransparentDSAPrivateKey, KeyAlgorithm::kDsa, true},
    {KeyFormatType::kTransparentDSAPublicKey, KeyAlgorithm::kDsa, false},
    {KeyFormatType::kTransparentECPrivateKey, KeyAlgorithm::kEc, true},
    {KeyFormatType::kTransparentECPublicKey, KeyAlgorithm::kEc, false},
    {KeyFormatType::kTransparentECDSAPrivateKey, KeyAlgorithm::kEc, true},
    {KeyFormatType::kTransparentECDSAPublicKey, KeyAlgorithm::kEc, false},
    {KeyFormatType::kTransparentECDHPrivateKey, KeyAlgorithm::kEc, true},
    {KeyFormatType::kTransparentECDHPublicKey, KeyAlgorithm::kEc, false},
    {KeyFormatType::kTransparentECMQVPrivateKey, KeyAlgorithm::kEc, true},
    {KeyFormatType::kTransparentECMQVPublicKey, KeyAlgorithm::kEc, false},
};

// Big Integers are signed: a leading zero byte only keeps them positive.
ByteView unsigned_number(ByteView number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

Result<Bytes> number(const Item& material, Tag tag) {
  const auto item = material.find(tag);
  if (!item) return Bytes();
  const auto value = TRY(item->as_big_integer());
  const auto magnitude = unsigned_number(value);
  if ((!value.empty() && (value.front() & 0x80U) != 0) || magnitude.size() * 8 > kMostBits) return no_key();
  return to_bytes(magnitude);
}

Result<SecretBytes> secret_number(const Item& material, Tag tag) {
  auto plain = TRY(number(material, tag));
  auto out = SecretBytes::copy_of(plain);
  crypto::wipe(plain);
  return out;
}

// Where the numbers of an algorithm stand in a Key Material.
struct PublicField {
  Tag tag;
  Bytes KeyNumbers::* number;
};
struct SecretField {
  Tag tag;
  SecretBytes KeyNumbers::* number;
};
constexpr PublicField kRsaPublic[] = {{tag::kModulus, &KeyNumbers::modulus},
                                      {tag::kPublicExponent, &KeyNumbers::public_exponent}};
constexpr SecretField kRsaSecret[] = {{tag::kPrivateExponent, &KeyNumbers::private_exponent},
                                      {tag::kP, &KeyNumbers::prime_p},
                                      {tag::kQ, &KeyNumbers::prime_q},
                                      {tag::kPrimeExponentP, &KeyNumbers::exponent_p},
                                      {tag::kPrimeExponentQ, &KeyNumbers::exponent_q},
                                      {tag::kCRTCoefficient, &KeyNumbers::coefficient}};
constexpr PublicField kDsaPublic[] = {{tag::kP, &KeyNumbers::p},
                                      {tag::kQ, &KeyNumbers::q},
                                      {tag::kG, &KeyNumbers::g},
                                      {tag::kY, &KeyNumbers::y}};
constexpr SecretField kDsaSecret[] = {{tag::kX, &KeyNumbers::x}};

Status read_fields(const Item& material, std::span<const PublicField> open,
                   std::span<const SecretField> secret, KeyNumbers& out) {
  for (const auto& field : open) out.*field.number = TRY(number(material, field.tag));
  for (const auto& field : secret) out.*field.number = TRY(secret_number(material, field.tag));
  return {};
}

Status read_ec(const Item& material, KeyNumbers& out) {
  out.scalar = TRY(secret_number(material, tag::kD));
  if (const auto item = material.find(tag::kQString)) out.point = to_bytes(TRY(item->as_bytes()));
  if (const auto item = material.find(tag::kRecommendedCurve)) {
    out.curve = curve_of(TRY(item->as_enumeration())).value_or("");
  }
  return {};
}

Result<KeyNumbers> read_numbers(const Item& material, KeyAlgorithm algorithm) {
  KeyNumbers out;
  if (algorithm == KeyAlgorithm::kRsa) TRY(read_fields(material, kRsaPublic, kRsaSecret, out));
  if (algorithm == KeyAlgorithm::kDsa) TRY(read_fields(material, kDsaPublic, kDsaSecret, out));
  if (algorithm == KeyAlgorithm::kEc) TRY(read_ec(material, out));
  return out;
}

}  // namespace

std::optional<std::string> curve_of(std::uint32_t recommended) {
  const auto* found = std::ranges::find(kCurves, RecommendedCurve(recommended), &Curve::curve);
  return found != std::end(kCurves) ? std::optional<std::string>(found->name) : std::nullopt;
}

std::optional<RecommendedCurve> curve_of(const std::string& name) {
  for (const auto& entry : kCurves) {
    if (name == entry.name) return entry.curve;
  }
  return std::nullopt;
}

Result<AsymmetricKey> read_asymmetric(KeyFormatType format, bool is_private, const Item& material) {
  if (const auto encoding = encoding_of(format)) {
    auto key = AsymmetricKey::decode(*encoding, is_private, SecretBytes::copy_of(TRY(material.as_bytes())));
    return key && key->bits() <= kMostBits ? Result<AsymmetricKey>(*std::move(key)) : no_key();
  }
  const auto* form = std::ranges::find(kTransparent, format, &TransparentForm::format);
  if (form == std::end(kTransparent) || form->is_private != is_private) return not_supported(format);
  const auto numbers = TRY(read_numbers(material, form->algorithm));
  auto key = AsymmetricKey::from_numbers(form->algorithm, is_private, numbers);
  return key ? Result<AsymmetricKey>(*std::move(key)) : no_key();
}

namespace {

void add_number(ttlv::Writer& out, Tag tag, ByteView number) {
  if (number.empty()) return;
  Bytes positive{0};
  positive.insert(positive.end(), number.begin(), number.end());
  const bool needed = (number.front() & 0x80U) != 0;
  out.add_big_integer(tag, needed ? ByteView(positive) : number);
  crypto::wipe(positive);
}

void write_rsa(ttlv::Writer& out, const KeyNumbers& numbers, bool is_private) {
  add_number(out, tag::kModulus, numbers.modulus);
  if (is_private) add_number(out, tag::kPrivateExponent, numbers.private_exponent.reveal());
  add_number(out, tag::kPublicExponent, numbers.public_exponent);
  if (!is_private) return;
  add_number(out, tag::kP, numbers.prime_p.reveal());
  add_number(out, tag::kQ, numbers.prime_q.reveal());
  add_number(out, tag::kPrimeExponentP, numbers.exponent_p.reveal());
  add_number(out, tag::kPrimeExponentQ, numbers.exponent_q.reveal());
  add_number(out, tag::kCRTCoefficient, numbers.coefficient.reveal());
}

void write_dsa(ttlv::Writer& out, const KeyNumbers& numbers, bool is_private) {
  add_number(out, tag::kP, numbers.p);
  add_number(out, tag::kQ, numbers.q);
  add_number(out, tag::kG, numbers.g);
  if (is_private) {
    add_number(out, tag::kX, numbers.x.reveal());
  } else {
    add_number(out, tag::kY, numbers.y);
  }
}

Status write_ec(ttlv::Writer& out, const KeyNumbers& numbers, bool is_private, KeyFormatType format) {
  const auto curve = curve_of(numbers.curve);
  if (!curve) return not_supported(format);
  out.add_enumeration(tag::kRecommendedCurve, *curve);
  if (is_private) {
    add_number(out, tag::kD, numbers.scalar.reveal());
  } else {
    out.add_bytes(tag::kQString, numbers.point);
  }
  return {};
}

Result<Bytes> write_transparent(const AsymmetricKey& key, const TransparentForm& form) {
  const auto numbers = TRY(key.numbers());
  ttlv::Writer out;
  out.begin(tag::kKeyMaterial);
  if (form.algorithm == KeyAlgorithm::kRsa) write_rsa(out, numbers, form.is_private);
  if (form.algorithm == KeyAlgorithm::kDsa) write_dsa(out, numbers, form.is_private);
  if (form.algorithm == KeyAlgorithm::kEc) TRY(write_ec(out, numbers, form.is_private, form.format));
  out.end();
  return out.take();
}

}  // namespace

Result<SecretBytes> write_asymmetric(const AsymmetricKey& key, KeyFormatType format, bool is_private) {
  Bytes item;
  if (const auto encoding = encoding_of(format)) {
    const bool fits = *encoding == KeyEncoding::kPkcs1 || (*encoding == KeyEncoding::kSpki) != is_private;
    const auto der = fits ? key.encode(*encoding, is_private) : Result<SecretBytes>(not_supported(format));
    if (!der) return not_supported(format);
    item = ttlv::Writer().add_bytes(tag::kKeyMaterial, der->reveal()).take();
  } else {
    const auto* form = std::ranges::find(kTransparent, format, &TransparentForm::format);
    const bool fits = form != std::end(kTransparent) && form->is_private == is_private &&
                      form->algorithm == key.algorithm();
    if (!fits) return not_supported(format);
    item = TRY(write_transparent(key, *form));
  }
  auto out = SecretBytes::copy_of(item);
  crypto::wipe(item);
  return out;
}

}  // namespace tapewarden::kmip

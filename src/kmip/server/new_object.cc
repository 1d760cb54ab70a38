#include "kmip/server/new_object.h"

#include "base/concat.h"
#include "crypto/hash.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::int32_t kSoftware = static_cast<std::int32_t>(ProtectionStorageMask::kSoftware);

void set_absent(AttributeSet& set, ttlv::Tag tag, Bytes item) {
  if (set.find(AttributeId::of(tag)) == nullptr) set.set(AttributeId::of(tag), std::move(item));
}

Bytes digest_item(const crypto::SecretBytes& material, KeyFormatType format) {
  ttlv::Writer out;
  out.begin(tag::kDigest);
  out.add_enumeration(tag::kHashingAlgorithm, HashingAlgorithm::kSHA_256);
  out.add_bytes(tag::kDigestValue, ByteView(crypto::sha256(material.reveal())));
  out.add_enumeration(tag::kKeyFormatType, format);
  out.end();
  return out.take();
}

// What OpenSSL's generator is: CTR_DRBG with AES-256 (NIST SP 800-90A).
Bytes generator_item() {
  ttlv::Writer out;
  out.begin(tag::kRandomNumberGenerator);
  out.add_enumeration(tag::kRNGAlgorithm, RNGAlgorithm::kDRBG);
  out.add_enumeration(tag::kCryptographicAlgorithm, CryptographicAlgorithm::kAES);
  out.add_integer(tag::kCryptographicLength, 256);
  out.add_enumeration(tag::kDRBGAlgorithm, DRBGAlgorithm::kCTR);
  out.end();
  return out.take();
}

Status check_may_give(const AttributeSet& so_far, const GivenAttribute& given) {
  const auto* kind = given.id.kind();
  if (kind == nullptr) {
    if (given.id.vendor != "y") return {};
    return refuse(ResultReason::kReadOnlyAttribute, "attributes of y- are the server's", given.id.text());
  }
  if (kind->client == ClientMay::kRead) {
    return refuse(ResultReason::kReadOnlyAttribute, concat(kind->name, " is set by the server alone"),
                  std::string(kind->name));
  }
  if (!kind->many && so_far.find(given.id) != nullptr) {
    return refuse(ResultReason::kAttributeSingleValued, concat(kind->name, " has one value"),
                  std::string(kind->name));
  }
  return {};
}

}  // namespace

Result<AttributeSet> given_attributes(const OperationContext& context, const ttlv::Item& payload,
                                      ttlv::Tag tag_1, ttlv::Tag tag_2) {
  AttributeSet out;
  const auto item = payload.find(context.version.is_2() ? tag_2 : tag_1);
  if (!item) return out;
  for (auto& given : TRY(read_attributes(*item, context.version))) {
    TRY(check_may_give(out, given));
    out.add(given.id, std::move(given.item));
  }
  return out;
}

void add_server_attributes(AttributeSet& attributes, const crypto::SecretBytes& material,
                           KeyFormatType format, bool generated) {
  attributes.set(AttributeId::of(tag::kDigest), digest_item(material, format));
  set_absent(attributes, tag::kFresh, boolean_item(tag::kFresh, true));
  set_absent(attributes, tag::kSensitive, boolean_item(tag::kSensitive, false));
  set_absent(attributes, tag::kExtractable, boolean_item(tag::kExtractable, true));
  const bool sensitive = boolean_of(attributes.find(AttributeId::of(tag::kSensitive))).value_or(false);
  const bool extractable = boolean_of(attributes.find(AttributeId::of(tag::kExtractable))).value_or(true);
  set_absent(attributes, tag::kAlwaysSensitive, boolean_item(tag::kAlwaysSensitive, sensitive && generated));
  set_absent(attributes, tag::kNeverExtractable,
             boolean_item(tag::kNeverExtractable, !extractable && generated));
  set_absent(attributes, tag::kKeyFormatType,
             enumeration_item(tag::kKeyFormatType, static_cast<std::uint32_t>(format)));
  set_absent(attributes, tag::kProtectionStorageMask, integer_item(tag::kProtectionStorageMask, kSoftware));
  if (generated) set_absent(attributes, tag::kRandomNumberGenerator, generator_item());
}

keymgr::KeyState first_state(const AttributeSet& attributes, WallTime now) {
  const auto activation = date_of(attributes.find(AttributeId::of(tag::kActivationDate)));
  const bool active = activation && *activation <= to_millis(now) / 1000;
  return active ? keymgr::KeyState::kActive : keymgr::KeyState::kPreActive;
}

}  // namespace tapewarden::kmip

#include "kmip/server/crypto_parameters.h"

#include <algorithm>

#include "base/concat.h"
#include "kmip/attributes.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::CipherMode;
using crypto::CipherName;
using crypto::DigestName;
using ttlv::Item;
using ttlv::Tag;

template <typename E>
Status take(const Item& item, Tag tag, std::optional<E>& into) {
  if (const auto child = item.find(tag)) {
    if constexpr (std::is_enum_v<E>) {
      into = E(TRY(child->as_enumeration()));
    } else {
      into = TRY(child->as_integer());
    }
  }
  return {};
}

struct HashEntry {
  HashingAlgorithm hash;
  DigestName digest;
};
constexpr HashEntry kHashes[] = {
    {HashingAlgorithm::kMD5, DigestName::kMd5},
    {HashingAlgorithm::kSHA_1, DigestName::kSha1},
    {HashingAlgorithm::kSHA_224, DigestName::kSha224},
    {HashingAlgorithm::kSHA_256, DigestName::kSha256},
    {HashingAlgorithm::kSHA_384, DigestName::kSha384},
    {HashingAlgorithm::kSHA_512, DigestName::kSha512},
    {HashingAlgorithm::kRIPEMD_160, DigestName::kRipemd160},
    {HashingAlgorithm::kSHA_512_224, DigestName::kSha512_224},
    {HashingAlgorithm::kSHA_512_256, DigestName::kSha512_256},
    {HashingAlgorithm::kSHA3_224, DigestName::kSha3_224},
    {HashingAlgorithm::kSHA3_256, DigestName::kSha3_256},
    {HashingAlgorithm::kSHA3_384, DigestName::kSha3_384},
    {HashingAlgorithm::kSHA3_512, DigestName::kSha3_512},
};

struct MacEntry {
  CryptographicAlgorithm algorithm;
  DigestName digest;
};
constexpr MacEntry kMacs[] = {
    {CryptographicAlgorithm::kHMAC_SHA1, DigestName::kSha1},
    {CryptographicAlgorithm::kHMAC_SHA224, DigestName::kSha224},
    {CryptographicAlgorithm::kHMAC_SHA256, DigestName::kSha256},
    {CryptographicAlgorithm::kHMAC_SHA384, DigestName::kSha384},
    {CryptographicAlgorithm::kHMAC_SHA512, DigestName::kSha512},
    {CryptographicAlgorithm::kHMAC_MD5, DigestName::kMd5},
    {CryptographicAlgorithm::kHMAC_SHA3_224, DigestName::kSha3_224},
    {CryptographicAlgorithm::kHMAC_SHA3_256, DigestName::kSha3_256},
    {CryptographicAlgorithm::kHMAC_SHA3_384, DigestName::kSha3_384},
    {CryptographicAlgorithm::kHMAC_SHA3_512, DigestName::kSha3_512},
};

// What a Digital Signature Algorithm says in one word.
struct SignatureEntry {
  DigitalSignatureAlgorithm algorithm;
  DigestName digest;
};
constexpr SignatureEntry kSignatures[] = {
    {DigitalSignatureAlgorithm::kMD5WithRSAEncryption, DigestName::kMd5},
    {DigitalSignatureAlgorithm::kSHA_1WithRSAEncryption, DigestName::kSha1},
    {DigitalSignatureAlgorithm::kSHA_224WithRSAEncryption, DigestName::kSha224},
    {DigitalSignatureAlgorithm::kSHA_256WithRSAEncryption, DigestName::kSha256},
    {DigitalSignatureAlgorithm::kSHA_384WithRSAEncryption, DigestName::kSha384},
    {DigitalSignatureAlgorithm::kSHA_512WithRSAEncryption, DigestName::kSha512},
    {DigitalSignatureAlgorithm::kDSAWithSHA_1, DigestName::kSha1},
    {DigitalSignatureAlgorithm::kDSAWithSHA224, DigestName::kSha224},
    {DigitalSignatureAlgorithm::kDSAWithSHA256, DigestName::kSha256},
    {DigitalSignatureAlgorithm::kECDSAWithSHA_1, DigestName::kSha1},
    {DigitalSignatureAlgorithm::kECDSAWithSHA224, DigestName::kSha224},
    {DigitalSignatureAlgorithm::kECDSAWithSHA256, DigestName::kSha256},
    {DigitalSignatureAlgorithm::kECDSAWithSHA384, DigestName::kSha384},
    {DigitalSignatureAlgorithm::kECDSAWithSHA512, DigestName::kSha512},
    {DigitalSignatureAlgorithm::kSHA3_256WithRSAEncryption, DigestName::kSha3_256},
    {DigitalSignatureAlgorithm::kSHA3_384WithRSAEncryption, DigestName::kSha3_384},
    {DigitalSignatureAlgorithm::kSHA3_512WithRSAEncryption, DigestName::kSha3_512},
};

std::unexpected<Error> unsupported(Tag tag, std::uint32_t value) {
  return refuse(ResultReason::kUnsupportedCryptographicParameters,
                concat(value_text(tag, value), " is not offered here"), std::string(tag_name(tag)));
}

}  // namespace

Result<CryptoParameters> read_parameters(const Item& item) {
  if (!item.is_structure()) {
    return refuse(ResultReason::kInvalidMessage, "they must be a structure", "Cryptographic Parameters");
  }
  CryptoParameters out;
  TRY(take(item, tag::kBlockCipherMode, out.mode));
  TRY(take(item, tag::kPaddingMethod, out.padding));
  TRY(take(item, tag::kHashingAlgorithm, out.hash));
  TRY(take(item, tag::kDigitalSignatureAlgorithm, out.signature));
  TRY(take(item, tag::kCryptographicAlgorithm, out.algorithm));
  TRY(take(item, tag::kMaskGeneratorHashingAlgorithm, out.mask_hash));
  TRY(take(item, tag::kIVLength, out.iv_bytes));
  TRY(take(item, tag::kTagLength, out.tag_bytes));
  TRY(take(item, tag::kSaltLength, out.salt_bytes));
  TRY(take(item, tag::kInitialCounterValue, out.initial_counter));
  if (const auto child = item.find(tag::kRandomIV)) out.random_iv = TRY(child->as_boolean());
  if (const auto child = item.find(tag::kPSource)) out.source = to_bytes(TRY(child->as_bytes()));
  return out;
}

Result<CryptoParameters> parameters_of(const Item& payload, const keymgr::ManagedObject* object) {
  if (const auto item = payload.find(tag::kCryptographicParameters)) return read_parameters(*item);
  const auto id = AttributeId::of(tag::kCryptographicParameters);
  const auto* kept = object != nullptr ? object->attributes.find(id) : nullptr;
  if (kept == nullptr) return CryptoParameters{};
  const auto document = TRY(ttlv::decode(kept->item));
  return read_parameters(document.root());
}

Result<DigestName> digest_of(HashingAlgorithm hash) {
  const auto* found = std::ranges::find(kHashes, hash, &HashEntry::hash);
  if (found != std::end(kHashes)) return found->digest;
  return unsupported(tag::kHashingAlgorithm, static_cast<std::uint32_t>(hash));
}

namespace {

Result<CipherMode> mode_of(BlockCipherMode mode) {
  switch (mode) {
    case BlockCipherMode::kCBC:
      return CipherMode::kCbc;
    case BlockCipherMode::kECB:
      return CipherMode::kEcb;
    case BlockCipherMode::kCFB:
      return CipherMode::kCfb;
    case BlockCipherMode::kOFB:
      return CipherMode::kOfb;
    case BlockCipherMode::kCTR:
      return CipherMode::kCtr;
    case BlockCipherMode::kGCM:
      return CipherMode::kGcm;
    case BlockCipherMode::kXTS:
      return CipherMode::kXts;
    default:
      return unsupported(tag::kBlockCipherMode, static_cast<std::uint32_t>(mode));
  }
}

Result<bool> pads(const CryptoParameters& parameters) {
  const auto method = parameters.padding.value_or(PaddingMethod::kNone);
  if (method == PaddingMethod::kNone) return false;
  if (method == PaddingMethod::kPKCS5) return true;
  return unsupported(tag::kPaddingMethod, static_cast<std::uint32_t>(method));
}

}  // namespace

Result<crypto::CipherSpec> cipher_of(CryptographicAlgorithm algorithm, const CryptoParameters& parameters) {
  crypto::CipherSpec out;
  switch (algorithm) {
    case CryptographicAlgorithm::kAES:
      out.name = CipherName::kAes;
      break;
    case CryptographicAlgorithm::kDES3:
      out.name = CipherName::kTripleDes;
      break;
    case CryptographicAlgorithm::kCamellia:
      out.name = CipherName::kCamellia;
      break;
    case CryptographicAlgorithm::kChaCha20:
      return crypto::CipherSpec{CipherName::kChaCha20, CipherMode::kNone, false};
    case CryptographicAlgorithm::kChaCha20Poly1305:
      return crypto::CipherSpec{CipherName::kChaCha20Poly1305, CipherMode::kNone, false};
    default:
      return unsupported(tag::kCryptographicAlgorithm, static_cast<std::uint32_t>(algorithm));
  }
  if (!parameters.mode) {
    return refuse(ResultReason::kBadCryptographicParameters, "the mode of the cipher is missing",
                  "Block Cipher Mode");
  }
  out.mode = TRY(mode_of(*parameters.mode));
  out.padding = TRY(pads(parameters));
  return out;
}

Result<crypto::SignatureScheme> signature_of(const CryptoParameters& parameters) {
  crypto::SignatureScheme out;
  bool pss = parameters.padding == PaddingMethod::kPSS;
  if (parameters.hash) out.digest = TRY(digest_of(*parameters.hash));
  if (parameters.signature && *parameters.signature == DigitalSignatureAlgorithm::kRSASSA_PSS) {
    pss = true;
  } else if (parameters.signature) {
    const auto* found = std::ranges::find(kSignatures, *parameters.signature, &SignatureEntry::algorithm);
    if (found == std::end(kSignatures)) {
      return unsupported(tag::kDigitalSignatureAlgorithm, static_cast<std::uint32_t>(*parameters.signature));
    }
    out.digest = found->digest;
  }
  if (pss) out.padding = crypto::SignaturePadding::kPss;
  out.salt_bytes = parameters.salt_bytes;
  if (parameters.mask_hash) out.mask_digest = TRY(digest_of(*parameters.mask_hash));
  const auto padding = parameters.padding.value_or(PaddingMethod::kPKCS1V1_5);
  if (padding != PaddingMethod::kPKCS1V1_5 && padding != PaddingMethod::kPSS &&
      padding != PaddingMethod::kNone) {
    return unsupported(tag::kPaddingMethod, static_cast<std::uint32_t>(padding));
  }
  if (out.salt_bytes && (*out.salt_bytes < 0 || *out.salt_bytes > 1024)) {
    return refuse(ResultReason::kInvalidField, "0 to 1024 bytes", "Salt Length");
  }
  return out;
}

Result<crypto::EncryptionScheme> encryption_of(const CryptoParameters& parameters) {
  crypto::EncryptionScheme out;
  switch (parameters.padding.value_or(PaddingMethod::kOAEP)) {
    case PaddingMethod::kOAEP:
      out.padding = crypto::EncryptionPadding::kOaep;
      break;
    case PaddingMethod::kPKCS1V1_5:
      out.padding = crypto::EncryptionPadding::kPkcs1;
      break;
    default:
      return unsupported(tag::kPaddingMethod, static_cast<std::uint32_t>(*parameters.padding));
  }
  if (parameters.hash) out.digest = TRY(digest_of(*parameters.hash));
  if (parameters.mask_hash) out.mask_digest = TRY(digest_of(*parameters.mask_hash));
  out.label = parameters.source;
  return out;
}

Result<std::optional<DigestName>> mac_of(const CryptoParameters& parameters,
                                         std::optional<CryptographicAlgorithm> key) {
  if (parameters.mode == BlockCipherMode::kCMAC) return std::optional<DigestName>();
  const auto algorithm = parameters.algorithm ? parameters.algorithm : key;
  if (algorithm) {
    const auto* found = std::ranges::find(kMacs, *algorithm, &MacEntry::algorithm);
    if (found != std::end(kMacs)) return std::optional(found->digest);
  }
  if (parameters.hash) return std::optional(TRY(digest_of(*parameters.hash)));
  return refuse(ResultReason::kBadCryptographicParameters,
                "what the MAC is made with is missing: an HMAC algorithm, or CMAC as mode",
                "Cryptographic Algorithm");
}

}  // namespace tapewarden::kmip

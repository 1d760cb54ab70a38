// Cryptographic Parameters (Specification 1.4 section 3.6, 2.1 section 4.16) as values, and what they mean to
// crypto/. Pure; thread-safe.
#pragma once

#include <optional>

#include "crypto/asymmetric_key.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "kmip/server/operation.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

struct CryptoParameters {
  std::optional<BlockCipherMode> mode;
  std::optional<PaddingMethod> padding;
  std::optional<HashingAlgorithm> hash;
  std::optional<DigitalSignatureAlgorithm> signature;
  std::optional<CryptographicAlgorithm> algorithm;
  std::optional<HashingAlgorithm> mask_hash;
  std::optional<std::int32_t> iv_bytes;
  std::optional<std::int32_t> tag_bytes;
  std::optional<std::int32_t> salt_bytes;
  std::optional<std::int32_t> initial_counter;
  bool random_iv = false;
  Bytes source;  // P Source, the label of OAEP
};

Result<CryptoParameters> read_parameters(const ttlv::Item& item);
// Those of the payload, or where it gives none, the first that the object has; all empty when neither has.
Result<CryptoParameters> parameters_of(const ttlv::Item& payload, const keymgr::ManagedObject* object);

// Refusals name the field.
Result<crypto::DigestName> digest_of(HashingAlgorithm hash);
Result<crypto::CipherSpec> cipher_of(CryptographicAlgorithm algorithm, const CryptoParameters& parameters);
Result<crypto::SignatureScheme> signature_of(const CryptoParameters& parameters);
Result<crypto::EncryptionScheme> encryption_of(const CryptoParameters& parameters);
// What a MAC is made with: HMAC with a hash, or nothing for CMAC.
Result<std::optional<crypto::DigestName>> mac_of(const CryptoParameters& parameters,
                                                 std::optional<CryptographicAlgorithm> key);

}  // namespace tapewarden::kmip

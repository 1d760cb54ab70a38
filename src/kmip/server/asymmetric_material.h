// Asymmetric keys between Key Material, in the formats of the specification (1.4 section 2.1.7, 2.1 section
// 3), and crypto/. Pure; thread-safe. Errors are refusals.
#pragma once

#include <optional>
#include <string>

#include "crypto/asymmetric_key.h"
#include "kmip/enumerations.h"
#include "kmip/protocol.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

// Key Format Type Not Supported; Invalid Field for a material that is no such key.
Result<crypto::AsymmetricKey> read_asymmetric(KeyFormatType format, bool is_private,
                                              const ttlv::Item& material);
// The encoded Key Material.
Result<crypto::SecretBytes> write_asymmetric(const crypto::AsymmetricKey& key, KeyFormatType format,
                                             bool is_private);

// What OpenSSL calls a curve; nothing: it is not offered.
std::optional<std::string> curve_of(std::uint32_t recommended);
std::optional<RecommendedCurve> curve_of(const std::string& name);

}  // namespace tapewarden::kmip

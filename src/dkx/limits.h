// Limits of the drive key exchange, each checked when a message is decoded.
#pragma once

#include <cstddef>

namespace tapewarden::dkx {

inline constexpr std::size_t kMaxMessageBytes = 64U << 10;  // one envelope
inline constexpr unsigned kMaxDepth = 12;
inline constexpr std::size_t kMaxItems = 1024;
inline constexpr std::size_t kMaxBodyBytes = 56U << 10;
inline constexpr std::size_t kMaxCertificateBytes = 8U << 10;  // DER
inline constexpr std::size_t kMaxPublicKeyBytes = 2U << 10;    // DER SubjectPublicKeyInfo
inline constexpr std::size_t kMaxSignatureBytes = 80;          // DER ECDSA on P-256
inline constexpr std::size_t kMaxNonces = 16;                  // in one hello
inline constexpr std::size_t kMaxVersions = 8;
inline constexpr std::size_t kMaxSerialBytes = 12;
inline constexpr std::size_t kMaxVolserBytes = 8;
inline constexpr std::size_t kMaxLabelBytes = 64;
inline constexpr std::size_t kMaxLabels = 2;  // for one cartridge
inline constexpr std::size_t kMaxAliasBytes = 21;
inline constexpr std::size_t kMaxGroupBytes = 64;
inline constexpr std::size_t kMaxNameBytes = 64;     // proxies, partitions, states
inline constexpr std::size_t kMaxChecks = 32;        // labels and groups in one check-labels
inline constexpr std::size_t kMaxMessageText = 512;  // of a refusal
inline constexpr std::size_t kMaxFieldText = 64;

}  // namespace tapewarden::dkx

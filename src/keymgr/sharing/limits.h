// The limits of sharing keys with other sites, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapewarden::keymgr::sharing {

// Organizational unit of a site's identity, by which a certificate that it issued is known.
inline constexpr std::string_view kSharingUnit = "tapewarden sharing";

inline constexpr std::size_t kMaximumSharedKeys = 100'000;   // in one file
inline constexpr std::size_t kMaximumFileBytes = 32U << 20;  // of a whole file
inline constexpr std::size_t kHeaderLimit = 512U << 10;      // bytes of a file's header
inline constexpr std::size_t kCertificateLimit = 64U << 10;  // bytes of one certificate
inline constexpr std::size_t kEnvelopeLimit = 256U << 10;    // bytes of the sealed file key
inline constexpr std::size_t kSignatureLimit = 256;          // bytes of a DER ECDSA signature
inline constexpr std::size_t kRecordLimit = 4096;            // bytes of one record of the content
inline constexpr std::size_t kSiteNameLimit = 64;            // characters of a site's or partner's name
inline constexpr std::size_t kNoteLimit = 256;               // characters of who read a fingerprint out
inline constexpr std::size_t kMaximumPartners = 1000;        // of one site
inline constexpr std::size_t kMaximumOwnCertificates = 64;   // each renewal leaves the one before
inline constexpr std::size_t kMaximumSelectors = 10'000;     // volumes, aliases, ranges, groups of an order
inline constexpr std::size_t kMaximumReportLines = 10'000;   // keys told one by one in a report
inline constexpr std::size_t kMaximumWarnings = 1000;        // told in a report
inline constexpr std::size_t kKeysPerTransaction = 500;      // of an import: writers wait for no more
inline constexpr std::size_t kFingerprintsPerRow = 10'000;   // of an export, in what is kept about it
inline constexpr std::size_t kMaximumTransfers = 1000;       // in one list
inline constexpr unsigned kSharingKeyBits = 3072;            // of the RSA key that partners seal to
inline constexpr std::chrono::hours kIdentityValidity{24 * 365 * 30};
inline constexpr std::chrono::hours kCertificateValidity{24 * 365 * 5};
inline constexpr std::chrono::hours kExpiryNotice{24 * 60};  // how long before its end it is told

}  // namespace tapewarden::keymgr::sharing

// The limits of backups, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::keymgr::backup {

inline constexpr std::size_t kChunkBytes = 64U << 10;            // of content under one tag
inline constexpr std::size_t kHeaderLimit = 1U << 20;            // bytes of a file's header
inline constexpr std::size_t kRecordLimit = 80U << 20;           // bytes of one record of the content
inline constexpr std::size_t kSignatureLimit = 256;              // bytes of a DER ECDSA signature
inline constexpr std::size_t kNameLimit = 64;                    // characters of a target's or server's name
inline constexpr std::size_t kPathLimit = 1024;                  // bytes of a directory's path
inline constexpr std::size_t kCertificateLimit = 64U << 10;      // bytes of one certificate
inline constexpr std::size_t kSealLimit = 256U << 10;            // bytes of a sealed file key
inline constexpr std::size_t kSiteFileLimit = 1U << 20;          // bytes of a site's file
inline constexpr std::size_t kSiteFiles = 64;                    // in one backup
inline constexpr std::size_t kTargetLimit = 16;                  // targets of a server
inline constexpr std::size_t kFilesInDirectory = 100'000;        // looked at in a target's directory
inline constexpr std::size_t kDrillCartridges = 1000;            // asked for in one drill
inline constexpr std::size_t kMountsLimit = 1U << 20;            // of /proc/self/mountinfo looked at
inline constexpr std::int64_t kMostBases = 1000;                 // kept by a target
inline constexpr std::int64_t kMostIncrements = 10'000;          // after one base
inline constexpr std::int64_t kMostHours = 24L * 366;            // between two scheduled runs
inline constexpr std::chrono::milliseconds kPoll{500};           // looking for changes to back up
inline constexpr std::chrono::milliseconds kRetryAfter{60'000};  // after a run that failed
inline constexpr std::chrono::milliseconds kRetryWanted{5'000};  // the same, when a write waits for it
inline constexpr std::chrono::milliseconds kLookAgain{60'000};   // whether the chains are still there

}  // namespace tapewarden::keymgr::backup

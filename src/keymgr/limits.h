// The limits of the key server's mind, in one place. Whatever comes from outside is held against one of these
// before it is stored or looked up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumLabelCharacters = 64;  // EKM: key label
inline constexpr std::size_t kMaximumGroupNameCharacters = 64;
inline constexpr std::size_t kSerialCharacters = 12;  // EKM: drive serial; ten digits get "00" in front
inline constexpr std::size_t kMaximumVolserCharacters = 32;
inline constexpr std::size_t kMaximumProxyNameCharacters = 128;
inline constexpr std::size_t kMaximumSettingCharacters = 256;
inline constexpr std::size_t kMaximumLabelsPerKek = 64;
inline constexpr std::size_t kMaximumKeks = 100'000;
inline constexpr std::size_t kMaximumPendingDrives = 1000;
inline constexpr std::size_t kMaximumDrives = 100'000;
inline constexpr std::size_t kMaximumAccessRules = 100'000;
inline constexpr std::size_t kMaximumKeysPerCall = 100'000;
inline constexpr std::int64_t kMaximumKeysOfOneName = 16;  // of installations that were merged
inline constexpr std::size_t kMaximumConflicts = 10'000;   // not acknowledged; more are only audited
inline constexpr std::size_t kMaximumKeysAhead = 100'000;
inline constexpr std::size_t kMaximumPage = 1000;                  // rows in one answer of a query
inline constexpr std::size_t kMaximumDriveTableBytes = 64U << 20;  // an imported drive table
inline constexpr std::size_t kKekCacheEntries = 64;
inline constexpr std::size_t kPublicKeyCacheEntries = 4096;
inline constexpr std::size_t kKnownSetEntries = 16384;  // EEDK sets seen in the ledger, by hash
inline constexpr std::size_t kKeysPerTransaction = 64;  // background generation: writers wait for no more
inline constexpr std::size_t kMaximumRequestsInFlight = 4096;
inline constexpr unsigned kRefusalsRecordedAtOnce = 128;  // of one caller and code; then one a minute
inline constexpr std::size_t kMaximumNamesChecked = 256;
inline constexpr std::size_t kMaximumWaits = 1024;  // exchanges that wait for a backup, remembered
inline constexpr std::chrono::milliseconds kWaitIsOver{60'000};  // nobody asks for so long any more

inline constexpr std::uint64_t kMaximumCompareHours = 8784;  // a year
inline constexpr std::uint64_t kMaximumApprovalHours = 720;
inline constexpr std::uint64_t kMaximumWantedPlaces = 16;  // independent ones for a cartridge
inline constexpr std::uint64_t kMaximumSilentHours = 720;  // also between self-checks
inline constexpr std::size_t kRewrapBatch = 16;            // cartridges in one transaction
inline constexpr std::size_t kMaximumRewrapVolsers = 10'000;
inline constexpr std::size_t kMaximumQuotas = 1000;
inline constexpr std::int64_t kMaximumQuotaLimit = 1'000'000'000;
inline constexpr std::chrono::minutes kQuotaSlot{5};  // how finely writes are counted
inline constexpr std::int64_t kQuotaWarningPercent = 80;
inline constexpr std::size_t kMaximumHoldReasonBytes = 256;
inline constexpr std::size_t kMaximumHoldsPerKey = 64;

// How long destroying a key waits for readers to leave the write-ahead log before it answers.
inline constexpr std::chrono::milliseconds kScrubPatience{5000};

inline constexpr std::chrono::hours kExpiryWarning{24 * 60};  // how long before its end a certificate warns
inline constexpr std::chrono::hours kForecastWindow{24 * 30};

}  // namespace tapewarden::keymgr

// The limits of the engine's catalogue, in one place. Whatever comes from outside is held against one of
// these before it is stored or looked up.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::size_t kMaximumVolserCharacters = 8;     // also the barcode of its cartridge file
inline constexpr std::size_t kMaximumBarcodeCharacters = 32;   // SMC: primary volume tag
inline constexpr std::size_t kMaximumSerialCharacters = 32;    // of a drive
inline constexpr std::size_t kMaximumConstructCharacters = 8;  // storage groups and management classes
inline constexpr std::size_t kMaximumConstructs = 256;         // of either sort
inline constexpr std::size_t kMaximumKeyLabelCharacters = 64;
inline constexpr std::size_t kMaximumKeyGroupCharacters = 64;
inline constexpr std::size_t kMaximumKeyAliasCharacters = 64;
inline constexpr std::size_t kMaximumPoolNameCharacters = 64;
inline constexpr std::size_t kMaximumDescriptionCharacters = 256;
inline constexpr std::size_t kMaximumLibraryNameCharacters = 64;
inline constexpr std::size_t kMaximumNoteCharacters = 256;
inline constexpr std::size_t kMaximumStampBytes = 256;      // a content stamp
inline constexpr std::uint64_t kMaximumBytes = 1ULL << 56;  // of a cartridge, a volume or a copy
inline constexpr std::size_t kMaximumPage = 1000;           // rows in one answer
inline constexpr std::size_t kMaximumStatisticsBytes = 64U << 10;
inline constexpr std::size_t kPoolMigrationsKept = 256;  // the newest, and all that are under way
inline constexpr std::size_t kMaximumFaults = 100;       // that one check names

// Historical statistics: one record for each quarter of an hour, and ninety days of them.
inline constexpr std::chrono::minutes kStatisticsInterval{15};
inline constexpr std::int64_t kStatisticsPlaces = std::int64_t{90} * 24 * 4;

inline constexpr std::uint8_t kCommonPool = 0;  // where scratch cartridges lie that belong to no other pool
inline constexpr std::uint8_t kMaximumPool = 32;
inline constexpr std::uint16_t kMaximumDays = 365;
inline constexpr std::uint8_t kMinimumPercent = 5;
inline constexpr std::uint8_t kMaximumPercent = 95;
inline constexpr std::uint8_t kMaximumDrivesOfPool = 64;  // 0: as many as there are
inline constexpr std::uint8_t kMaximumPreference = 1;

}  // namespace tapewarden::engine

// Limits of what is written and read to put a catalogue together again, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::uint16_t kRecordFileVersion = 1;
inline constexpr std::size_t kChunkBytes = 256U << 10;          // of records, before compression
inline constexpr std::size_t kMaxChunkBytes = 1U << 20;         // that a reader takes
inline constexpr std::size_t kMaxRecordBytes = 64U << 10;       // of one record
inline constexpr std::size_t kMaxHeaderFieldBytes = 16U << 10;  // of a file's header
inline constexpr std::size_t kMaxFieldsOfRecord = 200;          // known and unknown ones
inline constexpr int kBackupCompressionLevel = 3;               // of zstd
inline constexpr std::size_t kRowsOfChange = 200;               // that a rebuild puts into one commit
inline constexpr std::size_t kMaxFindings = 1000;               // of each kind that a report names
inline constexpr std::size_t kMaxDamagedImages = 1000;          // of one cartridge before it is given up

// Changes of one volume that may stand on cartridges of which a rebuild learns nothing.
inline constexpr std::uint64_t kGenerationsUnseen = 1'000'000;

}  // namespace tapewarden::engine

// Every limit of the cartridge format in one place. Readers refuse what goes beyond them; writers never make
// it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::tape {

inline constexpr std::size_t kMaxRecordBytes = 16U << 20;  // host length of one record
inline constexpr std::size_t kMaxAheadBytes = 4U << 20;    // host length of a record that is read ahead
inline constexpr std::size_t kMaxEedks = 2;
inline constexpr std::size_t kMaxEedkBytes = 4096;
inline constexpr std::size_t kMaxSignatureBytes = 1024;
inline constexpr std::size_t kMaxKadBytes = 60;     // A-KAD and U-KAD
inline constexpr std::size_t kMaxAttributes = 256;  // in the cartridge memory
inline constexpr std::size_t kMaxAttributeBytes = 4096;
inline constexpr std::size_t kMaxVolserBytes = 8;
inline constexpr std::size_t kMaxIndexBytes = 64U << 20;  // a larger index is not stored, only rebuilt
inline constexpr std::size_t kMaxSessionBytes = 512;      // payload of a session record
inline constexpr std::size_t kMaxSessions = 1U << 20;
inline constexpr std::uint64_t kIndexStrideBytes = 16U << 20;
inline constexpr std::uint64_t kMaxCapacityBytes = 1ULL << 50;
inline constexpr unsigned kMaxCompressionLevel = 3;
// Of superblocks, memory and key areas. No cartridge gets there by being written; a slot that says more is
// forged or damaged, and counting on from it would wrap round to generations that nobody believes.
inline constexpr std::uint64_t kMaxGeneration = 1ULL << 48;

}  // namespace tapewarden::tape

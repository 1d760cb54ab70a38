// Every limit of the drives in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::tape {

inline constexpr std::uint32_t kMaxBlockBytes = 0xffffff;      // READ BLOCK LIMITS: what three bytes can say
inline constexpr std::uint64_t kMaxTransferBytes = 32U << 20;  // one READ or WRITE with fixed blocks
// Room on the disk under a cartridge. The reserve holds what several drives have buffered, and their marks.
inline constexpr std::uint64_t kDiskWarningBytes = 512ULL << 20U;
inline constexpr std::uint64_t kDiskReserveBytes = 128ULL << 20U;
// How long an answer of the disk holds for blocks that are written later: what fast hosts write meanwhile is
// much less than lies between warning and reserve.
inline constexpr std::chrono::milliseconds kRoomKnownFor{100};
inline constexpr std::size_t kMaxDeferredBytes = 4U << 20;    // taken before they are written
inline constexpr unsigned kReadsBeforeAhead = 2;              // in a row, until the drive reads ahead
inline constexpr std::size_t kMaxNexuses = 256;               // more initiators get BUSY
inline constexpr std::size_t kMaxRegistrants = 256;           // of persistent reservations
inline constexpr std::size_t kMaxTransportId = 256;           // of one that is kept beyond power-off
inline constexpr std::size_t kMaxUnitAttentions = 16;         // queued for one nexus
inline constexpr std::size_t kMaxParameterBytes = 64U << 10;  // MODE SELECT, WRITE ATTRIBUTE, SPOUT
inline constexpr std::size_t kMaxUnauthenticatedKad = 32;     // U-KAD
inline constexpr std::size_t kMaxAuthenticatedKad = 60;       // A-KAD
inline constexpr std::size_t kMaxPemBytes = 64U << 10;        // a file of a drive's identity
inline constexpr std::size_t kMaxPinnedServers = 16;
inline constexpr std::size_t kMaxConfirmations = 64;    // writes that a key server is still to be told of
inline constexpr unsigned kMaxConfirmationTries = 3;    // of one that is refused for good
inline constexpr std::uint32_t kMaxFilemarks = 65'536;  // of one WRITE FILEMARKS

}  // namespace tapewarden::tape

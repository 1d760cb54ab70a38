// Limits of the work with libraries and drives in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::size_t kMaxTraceSteps = 1000;  // of one mount
inline constexpr std::size_t kMaxLibraryDrives = 256;
// How often the drive is asked what is left while an image is written.
inline constexpr std::uint64_t kRoomCheckBytes = 256ULL << 20;

// Less on the disk under virtual cartridges, and nothing more is written to them: above where their drives
// begin to warn of the end of the tape (512 MiB), which would look as if the cartridge were full.
inline constexpr std::uint64_t kDiskLeastBytes = 640ULL << 20;

inline constexpr std::chrono::milliseconds kReadyPatience{600'000};  // a drive that loads a cartridge
inline constexpr std::chrono::milliseconds kReadyInterval{1'000};    // between two looks
inline constexpr std::chrono::milliseconds kConfirmationPatience{
    30'000};  // with key servers, after a demount

}  // namespace tapewarden::engine

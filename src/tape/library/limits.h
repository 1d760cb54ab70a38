// Every limit of the virtual library in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::tape {

inline constexpr std::uint32_t kMaxSlots = 64'000;  // storage elements; addresses have 16 bits
inline constexpr std::uint32_t kMaxPorts = 400;     // import/export elements
inline constexpr std::size_t kMaxDrives = 200;
inline constexpr std::size_t kMaxLibraryPartitions = 32;
inline constexpr std::size_t kMaxCartridges = 128'000;        // inside and outside
inline constexpr std::size_t kMaxInventoryBytes = 16U << 20;  // of its file
inline constexpr std::size_t kMaxBarcodeRange = kMaxSlots;    // cartridges made at once

inline constexpr std::chrono::milliseconds kConfirmPatience{30'000};  // with key servers, for one drive
inline constexpr std::chrono::milliseconds kConfirmAgain{60'000};     // after it failed, by the drive's clock
inline constexpr std::chrono::milliseconds kFarewellPatience{10'000};  // for all drives, when all is closed

}  // namespace tapewarden::tape

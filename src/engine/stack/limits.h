// Limits of what stands on stacked cartridges (docs/formats/stacked-cartridge.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tapewarden::engine {

inline constexpr std::size_t kStackBlockBytes = 262'144;  // what every host adapter carries in one command
inline constexpr std::size_t kMaxBarcodeBytes = 32;       // a volume tag of SMC-3
inline constexpr std::size_t kMaxVolserBytes = 8;
inline constexpr std::size_t kMaxConstructBytes = 8;
inline constexpr std::size_t kMaxPartNameBytes = 64;
inline constexpr std::size_t kMaxImageParts = 16;
inline constexpr std::uint64_t kMaxPartBytes = 1ULL << 56;  // sixteen of them still fit 64 bits
inline constexpr std::size_t kMaxTombstones = 8192;         // of one trailer
inline constexpr std::uint8_t kMaxPool = 32;

}  // namespace tapewarden::engine

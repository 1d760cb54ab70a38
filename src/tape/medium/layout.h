// Where everything lies in a cartridge file (docs/formats/cartridge.md, "Places").
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tape/medium/cartridge_memory.h"
#include "tape/medium/key_info.h"
#include "tape/medium/superblock.h"

namespace tapewarden::tape {

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::string_view kSuperblockMagic = "TWSUPERB";
inline constexpr std::string_view kMemoryMagic = "TWMEMORY";
inline constexpr std::string_view kKeyMagic = "TWKEYSET";
inline constexpr std::string_view kRecordMagic = "TWRC";

inline constexpr std::array<std::uint64_t, 2> kSuperblockOffsets = {0, 4096};
inline constexpr std::array<std::uint64_t, 2> kMemoryOffsets = {8192, 24576};
// Copy 0 belongs to the cartridge memory; the others lie far enough apart that one scratch meets one of them.
inline constexpr std::array<std::uint64_t, kKeyCopies> kKeyCopyOffsets = {40960, 262144, 524288, 786432};
inline constexpr std::uint64_t kDataStart = 1U << 20;

constexpr std::uint64_t key_slot_offset(std::size_t copy, std::size_t slot) {
  return kKeyCopyOffsets[copy] + slot * kKeySlotBytes;
}

static_assert(kSuperblockOffsets[1] == kSuperblockOffsets[0] + kSuperblockBytes);
static_assert(kMemoryOffsets[0] == kSuperblockOffsets[1] + kSuperblockBytes);
static_assert(kMemoryOffsets[1] == kMemoryOffsets[0] + kMemorySlotBytes);
static_assert(kKeyCopyOffsets[0] == kMemoryOffsets[1] + kMemorySlotBytes);
static_assert(kKeyCopyOffsets[0] + 2 * kKeySlotBytes <= kKeyCopyOffsets[1]);
static_assert(kKeyCopyOffsets[3] + 2 * kKeySlotBytes <= kDataStart);
static_assert(kMaxEedks * (kMaxEedkBytes + 2) + kMaxSignatureBytes + 2 * kMaxKadBytes + 128 <= kKeySlotBytes);

}  // namespace tapewarden::tape

// The attributes of the cartridge memory (the chip): medium auxiliary memory as in SPC-5 section 7.4, by the
// attribute identifiers of T10. Values; codecs are pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "tape/medium/limits.h"

namespace tapewarden::tape {

using AttributeId = std::uint16_t;

namespace attribute {
// Device type attributes (0000h to 03FFh): kept by the drive.
inline constexpr AttributeId kTapeAlertFlags = 0x0002;
inline constexpr AttributeId kLoadCount = 0x0003;
inline constexpr AttributeId kVolumeChangeReference = 0x0009;
inline constexpr AttributeId kMegabytesWrittenInLife = 0x0220;
inline constexpr AttributeId kMegabytesReadInLife = 0x0221;
inline constexpr AttributeId kMegabytesWrittenInLoad = 0x0222;
inline constexpr AttributeId kMegabytesReadInLoad = 0x0223;
// Medium type attributes (0400h to 07FFh): set when the cartridge is made.
inline constexpr AttributeId kMediumManufacturer = 0x0400;
inline constexpr AttributeId kMediumSerialNumber = 0x0401;
inline constexpr AttributeId kMediumDensity = 0x0405;
inline constexpr AttributeId kMediumManufactureDate = 0x0406;
inline constexpr AttributeId kMediumType = 0x0408;  // 80h: WORM, 00h: data
// Host type attributes (0800h to 0BFFh): written by the host.
inline constexpr AttributeId kApplicationVendor = 0x0800;
inline constexpr AttributeId kApplicationName = 0x0801;
inline constexpr AttributeId kUserMediumTextLabel = 0x0803;
inline constexpr AttributeId kBarcode = 0x0806;
}  // namespace attribute

enum class AttributeFormat : std::uint8_t { kBinary = 0, kAscii = 1, kText = 2 };

struct Attribute {
  AttributeFormat format = AttributeFormat::kBinary;
  Bytes value;
  bool operator==(const Attribute&) const = default;
};

using AttributeMap = std::map<AttributeId, Attribute>;

// An unsigned integer of `width` bytes, as the counters are kept.
Attribute number_attribute(std::uint64_t value, std::size_t width);
// Text padded right with blanks to `width`.
Attribute ascii_attribute(std::string_view text, std::size_t width);
// The number of a binary attribute of up to 8 bytes; 0 when it is missing or longer.
std::uint64_t attribute_number(const AttributeMap& attributes, AttributeId id);

struct MemorySlot {
  std::uint64_t generation = 0;
  AttributeMap attributes;
};
inline constexpr std::size_t kMemorySlotBytes = 16384;
// What still fits; kExhausted when the attributes go beyond the slot, kInvalidArgument beyond a limit.
Result<std::size_t> memory_bytes_left(const AttributeMap& attributes);
// REQUIRES: memory_bytes_left() gave no error.
Bytes encode_memory_slot(const MemorySlot& slot);
// kNotFound for a slot of zeros, kCorrupt otherwise.
Result<MemorySlot> decode_memory_slot(ByteView bytes);

}  // namespace tapewarden::tape

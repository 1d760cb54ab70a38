// What the superblock and the slots of the areas share: 8 bytes of magic, u16 version, u16 zero, ..., zeros,
// and a CRC-32C of all that in the last 4 bytes. Internal to tape/medium. Pure.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

// A writer that holds magic and version.
ByteWriter begin_area(std::string_view magic, std::uint16_t version = kFormatVersion);
// Pads to `size` and closes with the checksum. REQUIRES: the content leaves 4 bytes.
Bytes finish_area(ByteWriter writer, std::size_t size);
// A reader behind magic and version, ending before the checksum. kNotFound when all bytes are zero,
// kInvalidArgument when the magic is another, kUnsupported for a later version, kCorrupt for a wrong size or
// checksum. `version`: what was found, from 1 to `latest`.
Result<ByteReader> open_area(ByteView bytes, std::string_view magic, std::size_t size, std::string_view name,
                             std::uint16_t latest = kFormatVersion, std::uint16_t* version = nullptr);
// The generation at the start of an area's content. kCorrupt unless it is 1 to kMaxGeneration.
Result<std::uint64_t> read_generation(ByteReader& in, std::string_view name);
// The generation of the next rewrite. kExhausted behind kMaxGeneration.
Result<std::uint64_t> next_generation(std::uint64_t current, std::string_view name);

}  // namespace tapewarden::tape

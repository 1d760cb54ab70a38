// What hosts write into the cartridge memory (WRITE ATTRIBUTE), and what Tapewarden reads of it: a host names
// the constructs of a logical volume on the volume itself, with nothing but SCSI commands. Pure but for
// host_attributes(); thread-safe.
#pragma once

#include <optional>

#include "base/env.h"
#include "tape/medium/cartridge_memory.h"

namespace tapewarden::tape {

namespace attribute {
// Host vendor-specific attributes (1400h to 17FFh, SPC-4 section 7.4): what they mean is for host and device
// to agree. These two are Tapewarden's own use of that range, text of up to 8 characters, blanks at the end
// ignored. T10 assigns no meaning to them, and another host may use them otherwise: what is no name of a
// construct is none.
inline constexpr AttributeId kStorageGroup = 0x1400;
inline constexpr AttributeId kManagementClass = 0x1401;
}  // namespace attribute

inline constexpr std::size_t kConstructNameBytes = 8;
// 1 to 8 of A-Z 0-9 $ @ #.
bool is_construct_name(std::string_view text);

// Whether hosts may write it: 0800h to 0BFFh, and 1400h to 17FFh.
bool is_host_attribute(AttributeId id);

// Those of partition 0 of a cartridge file that nobody writes to, without a drive. kNotFound when there is no
// file, kInvalidArgument when it is no cartridge, kCorrupt when its cartridge memory cannot be read, kIo.
Result<AttributeMap> host_attributes(Disk& disk, const std::string& path);

// The text of an attribute without blanks and zero bytes at its end. Nothing when it is not there, is empty,
// longer than `most` bytes, binary, or holds other than printable ASCII.
std::optional<std::string> attribute_text(const AttributeMap& attributes, AttributeId id,
                                          std::size_t most = kConstructNameBytes);

}  // namespace tapewarden::tape

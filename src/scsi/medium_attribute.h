// Medium auxiliary memory attributes as READ ATTRIBUTE and WRITE ATTRIBUTE carry them (SPC-4 section 7.4).
// Values; pure, thread-safe.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace tapewarden::scsi {

struct MediumAttribute {
  std::uint16_t id = 0;
  bool read_only = false;
  std::uint8_t format = 0;  // 0 binary, 1 ASCII, 2 text
  Bytes value{};            // empty in WRITE ATTRIBUTE: remove
  bool operator==(const MediumAttribute&) const = default;
};

// Both directions have a u32 length before the list. REQUIRES: every value is below 65536 bytes.
Bytes encode_attributes(const std::vector<MediumAttribute>& attributes);
// kCorrupt when cut short or when the length does not fit; the error's `detail` is the offset.
Result<std::vector<MediumAttribute>> decode_attributes(ByteView data);
// The answer to a READ ATTRIBUTE that may not have had room for all: the attributes that are whole, and
// whether more would follow. kCorrupt when it has room for none.
struct AttributePage {
  std::vector<MediumAttribute> attributes{};
  bool cut = false;
};
Result<AttributePage> decode_attribute_page(ByteView data);
// The list of identifiers (service actions 01h and 05h).
Bytes encode_attribute_list(const std::vector<std::uint16_t>& ids);
Result<std::vector<std::uint16_t>> decode_attribute_list(ByteView data);

}  // namespace tapewarden::scsi

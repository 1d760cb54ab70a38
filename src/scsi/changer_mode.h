// Mode pages of a medium changer (SMC-3, mode parameters for medium changers). Values; pure, thread-safe.
#pragma once

#include <array>

#include "scsi/element_status.h"
#include "scsi/mode.h"

namespace tapewarden::scsi {

namespace mode_page {
inline constexpr std::uint8_t kElementAddressAssignment = 0x1d;
inline constexpr std::uint8_t kTransportGeometry = 0x1e;
inline constexpr std::uint8_t kDeviceCapabilities = 0x1f;
}  // namespace mode_page

struct ElementRange {
  std::uint16_t first = 0;
  std::uint16_t count = 0;
  bool holds(std::uint16_t address) const { return address >= first && address - first < count; }
  bool operator==(const ElementRange&) const = default;
};

// Element address assignment page (1Dh): where each type's elements begin and how many there are. Ranges do
// not overlap, and end within 16 bits.
struct ElementAddressAssignment {
  ElementRange transport{0, 1};
  ElementRange storage{1000, 0};
  ElementRange import_export{10, 0};
  ElementRange data_transfer{500, 0};

  // REQUIRES: type is not kAll.
  const ElementRange& range_of(ElementType type) const;
  std::optional<ElementType> type_of(std::uint16_t address) const;
  // The four types by ascending first address, as READ ELEMENT STATUS orders them.
  std::array<ElementType, 4> in_order() const;
  // kInvalidArgument naming the member whose range overlaps another or runs past 65535.
  Status check() const;

  ModePage encode() const;
  static Result<ElementAddressAssignment> decode(const ModePage& page);
  bool operator==(const ElementAddressAssignment&) const = default;
};

// Transport geometry page (1Eh): one transport that cannot turn a cartridge over.
ModePage encode_transport_geometry();

// Device capabilities page (1Fh): what can hold a cartridge, and from where to where one can be moved or
// exchanged. Storage, import/export and data transfer elements hold; everything among these moves and
// exchanges.
ModePage encode_device_capabilities();

}  // namespace tapewarden::scsi

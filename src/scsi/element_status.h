// Where the elements of a medium changer are, and what READ ELEMENT STATUS says of them (SMC-3, READ
// ELEMENT STATUS). Values; pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scsi/sense.h"

namespace tapewarden::scsi {

// The element type codes of SMC-3.
enum class ElementType : std::uint8_t {
  kAll = 0,  // in a CDB only
  kTransport = 1,
  kStorage = 2,
  kImportExport = 3,
  kDataTransfer = 4,
};

inline constexpr std::size_t kElementHeaderBytes = 8;  // of the whole data, and again of each page
inline constexpr std::size_t kVolumeTagBytes =
    36;  // volume tag of SMC-3: 32 characters, 2 reserved, 2 number

// An element descriptor of SMC-3. What a type of element does not have is left out of its descriptor.
struct ElementDescriptor {
  std::uint16_t address = 0;
  bool full = false;
  bool accessible = true;           // ACCESS: the transport may take from or put into it; not of a transport
  bool placed_by_operator = false;  // IMPEXP, of an import/export element
  // EXCEPT with ASC and ASCQ: the element is not as it should be.
  std::optional<SenseCode> exception{};
  // The storage element that the cartridge came from; with it SVALID is set.
  std::optional<std::uint16_t> source{};
  std::string volume_tag{};  // up to 32 characters; empty: none
  // T10 vendor identification of a data transfer element, as its VPD page 83h has it: given with DVCID.
  std::string identifier{};
  bool operator==(const ElementDescriptor&) const = default;
};

// One page: descriptors of one type and of one length.
struct ElementPage {
  ElementType type = ElementType::kStorage;
  bool volume_tags = false;  // PVOLTAG
  std::uint8_t identifier_room =
      0;                        // bytes kept for the identifier in every descriptor; shorter ones end in 0
  std::uint32_t available = 0;  // descriptors there are, also those that the allocation length leaves out
  std::vector<ElementDescriptor> descriptors{};

  // 12 bytes, the tag when there are tags, 4 bytes of identifier header, the room for the identifier.
  std::size_t descriptor_bytes() const {
    return 16U + (volume_tags ? kVolumeTagBytes : 0U) + identifier_room;
  }
  std::size_t available_bytes() const { return available * descriptor_bytes(); }
  bool operator==(const ElementPage&) const = default;
};

struct ElementStatusData {
  std::uint16_t first_address = 0;
  std::uint16_t available = 0;  // elements that the CDB asks for, whatever the allocation length leaves out
  std::vector<ElementPage> pages{};

  // BYTE COUNT OF REPORT AVAILABLE: does not depend on how much was asked for.
  std::size_t available_bytes() const;
  // Pages without descriptors count as available and are left out.
  Bytes encode() const;
  // For an initiator. Whole descriptors only; kCorrupt when something is cut short or of an unknown type.
  // `available` of a page comes from its byte count.
  static Result<ElementStatusData> decode(ByteView data);
  bool operator==(const ElementStatusData&) const = default;
};

}  // namespace tapewarden::scsi

#include "scsi/element_status.h"

#include "base/text.h"
#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kTagText = 32;
constexpr std::size_t kFixedPart = 12;
constexpr std::uint8_t kAscii = 2;         // CODE SET
constexpr std::uint8_t kVendorIdType = 1;  // IDENTIFIER TYPE: T10 vendor identification

// Byte 2 of the descriptors.
std::uint8_t status_bits(const ElementDescriptor& element, ElementType type) {
  const auto common = joined(flag(element.exception.has_value(), 2), flag(element.full, 0));
  if (type == ElementType::kTransport) return common;
  const auto with_access = joined(common, flag(element.accessible, 3));
  if (type != ElementType::kImportExport) return with_access;
  constexpr unsigned kExportEnabled = 0x10;
  constexpr unsigned kImportEnabled = 0x20;
  return joined(with_access, flag(element.placed_by_operator, 1), kExportEnabled | kImportEnabled);
}

void write_descriptor(ByteWriter& out, const ElementDescriptor& element, const ElementPage& page) {
  out.u16(element.address).u8(status_bits(element, page.type)).u8(0);
  out.u8(element.exception ? element.exception->asc : 0).u8(element.exception ? element.exception->ascq : 0);
  out.zeros(3);
  out.u8(flag(element.source.has_value(), 7)).u16(element.source.value_or(0));
  if (page.volume_tags) {
    if (element.volume_tag.empty()) {
      out.zeros(kVolumeTagBytes);
    } else {
      out.padded(element.volume_tag, kTagText).zeros(2).u16(0);  // volume sequence number 0
    }
  }
  TW_ASSERT(element.identifier.size() <= 0xff);
  const bool identified = !element.identifier.empty() && element.identifier.size() <= page.identifier_room;
  out.u8(identified ? kAscii : 0).u8(identified ? kVendorIdType : 0).u8(0);
  out.u8(identified ? static_cast<std::uint8_t>(element.identifier.size()) : 0);
  if (identified) out.text(element.identifier);
  out.zeros(page.identifier_room - (identified ? element.identifier.size() : 0));
}

std::string right_trimmed(ByteView bytes) {
  std::string text{as_text(bytes)};
  text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return text;
}

Result<ElementDescriptor> read_descriptor(ByteView data, const ElementPage& page) {
  ElementDescriptor element;
  element.address = u16_at(data, 0);
  element.full = bit_at(data, 2, 0);
  element.accessible = page.type == ElementType::kTransport || bit_at(data, 2, 3);
  element.placed_by_operator = page.type == ElementType::kImportExport && bit_at(data, 2, 1);
  if (bit_at(data, 2, 2)) element.exception = SenseCode{SenseKey::kNoSense, data[4], data[5]};
  if (bit_at(data, 9, 7)) element.source = u16_at(data, 10);
  std::size_t at = kFixedPart;
  if (page.volume_tags) {
    element.volume_tag = right_trimmed(data.subspan(at, kTagText));
    at += kVolumeTagBytes;
  }
  const std::size_t length = data[at + 3];
  if (length > data.size() - at - 4)
    return fail(ErrorCode::kCorrupt, "an element's identifier is longer than its descriptor",
                "identifier length");
  element.identifier = std::string(as_text(data.subspan(at + 4, length)));
  return element;
}

Result<ElementPage> read_page_header(ByteReader& in) {
  ElementPage page;
  const auto type = TRY(in.u8("element type code"));
  if (type == 0 || type > 4)
    return fail(ErrorCode::kCorrupt, "a page of an unknown element type", "element type code");
  page.type = static_cast<ElementType>(type);
  const auto flags = TRY(in.u8("volume tag bits"));
  page.volume_tags = (flags & 0x80U) != 0;
  if ((flags & 0x40U) != 0)
    return fail(ErrorCode::kCorrupt, "alternate volume tags are not understood", "AVOLTAG");
  const std::size_t length = TRY(in.u16("element descriptor length"));
  const std::size_t least = page.descriptor_bytes();
  if (length < least || length - least > 0xff)
    return fail(ErrorCode::kCorrupt, "element descriptors of an unknown length", "element descriptor length");
  page.identifier_room = static_cast<std::uint8_t>(length - least);
  TRY(in.skip(1, "reserved"));
  page.available =
      static_cast<std::uint32_t>(TRY(in.u24("byte count of descriptor data")) / page.descriptor_bytes());
  return page;
}

}  // namespace

std::size_t ElementStatusData::available_bytes() const {
  std::size_t bytes = 0;
  for (const auto& page : pages)
    if (page.available != 0) bytes += kElementHeaderBytes + page.available_bytes();
  return bytes;
}

Bytes ElementStatusData::encode() const {
  ByteWriter out;
  out.u16(first_address).u16(available).u8(0).u24(static_cast<std::uint32_t>(available_bytes()));
  for (const auto& page : pages) {
    if (page.descriptors.empty()) continue;
    out.u8(static_cast<std::uint8_t>(page.type)).u8(flag(page.volume_tags, 7));
    out.u16(static_cast<std::uint16_t>(page.descriptor_bytes())).u8(0);
    out.u24(static_cast<std::uint32_t>(page.available_bytes()));
    for (const auto& element : page.descriptors) write_descriptor(out, element, page);
  }
  return out.take();
}

Result<ElementStatusData> ElementStatusData::decode(ByteView data) {
  ByteReader in(data);
  ElementStatusData status;
  status.first_address = TRY(in.u16("first element address"));
  status.available = TRY(in.u16("number of elements"));
  TRY(in.skip(4, "byte count of report"));
  while (!in.done()) {
    ElementPage page = TRY(read_page_header(in));
    for (std::uint32_t i = 0; i < page.available && in.remaining() != 0; ++i)
      page.descriptors.push_back(
          TRY(read_descriptor(TRY(in.bytes(page.descriptor_bytes(), "element descriptor")), page)));
    status.pages.push_back(std::move(page));
  }
  return status;
}

}  // namespace tapewarden::scsi

#include "scsi/medium_attribute.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

Result<MediumAttribute> decode_one(ByteReader& in) {
  MediumAttribute attribute;
  attribute.id = TRY(in.u16("attribute identifier"));
  const auto flags = TRY(in.u8("attribute format"));
  attribute.read_only = (flags & 0x80U) != 0;
  attribute.format = flags & 0x03U;
  attribute.value = to_bytes(TRY(in.bytes16(0xffff, "attribute length")));
  return attribute;
}

}  // namespace

Bytes encode_attributes(const std::vector<MediumAttribute>& attributes) {
  ByteWriter out;
  out.u32(0);
  for (const auto& attribute : attributes)
    out.u16(attribute.id).u8(joined(flag(attribute.read_only, 7), attribute.format)).bytes16(attribute.value);
  out.patch_u32(0, static_cast<std::uint32_t>(out.size() - 4));
  return out.take();
}

Result<std::vector<MediumAttribute>> decode_attributes(ByteView data) {
  ByteReader header(data);
  const auto length = TRY(header.u32("attribute list length"));
  if (length != header.remaining())
    return fail(ErrorCode::kCorrupt, "the attribute list is not as long as it says", "attribute list length");
  std::vector<MediumAttribute> attributes;
  ByteReader in(header.rest());
  while (!in.done()) {
    const auto offset = in.position() + 4;
    auto attribute = decode_one(in);
    if (!attribute) {
      attribute.error().detail = static_cast<std::uint32_t>(offset);
      return std::unexpected(std::move(attribute).error());
    }
    attributes.push_back(*std::move(attribute));
  }
  return attributes;
}

Result<AttributePage> decode_attribute_page(ByteView data) {
  ByteReader header(data);
  const auto length = TRY(header.u32("attribute list length"));
  AttributePage page;
  page.cut = length > header.remaining();
  if (!page.cut) {
    page.attributes = TRY(decode_attributes(data));
    return page;
  }
  ByteReader in(header.rest());
  while (!in.done()) {
    auto attribute = decode_one(in);
    if (!attribute) break;
    page.attributes.push_back(*std::move(attribute));
  }
  if (page.attributes.empty())
    return fail(ErrorCode::kCorrupt, "the attribute list is cut within its first attribute",
                "attribute list length");
  return page;
}

Bytes encode_attribute_list(const std::vector<std::uint16_t>& ids) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(ids.size() * 2));
  for (const auto id : ids) out.u16(id);
  return out.take();
}

Result<std::vector<std::uint16_t>> decode_attribute_list(ByteView data) {
  ByteReader header(data);
  ByteReader in(TRY(header.bytes32(0x20000, "attribute list length")));
  std::vector<std::uint16_t> ids;
  while (!in.done()) ids.push_back(TRY(in.u16("attribute identifier")));
  return ids;
}

}  // namespace tapewarden::scsi

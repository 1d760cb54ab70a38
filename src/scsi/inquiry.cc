#include "scsi/inquiry.h"

#include "base/text.h"
#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::uint8_t kSpc4 = 0x06;

std::string right_trimmed(ByteView bytes) {
  std::string text{as_text(bytes)};
  text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return text;
}

}  // namespace

Bytes StandardInquiry::encode() const {
  ByteWriter out;
  out.u8(device_type).u8(flag(removable, 7)).u8(kSpc4);
  out.u8(0x02);  // response data format
  out.u8(kStandardInquiryBytes - 5);
  out.u8(flag(protect, 0)).u8(0);
  out.u8(0x02);  // CMDQUE: the transport queues
  out.padded(vendor, 8).padded(product, 16).padded(revision, 4);
  return out.take();
}

Result<StandardInquiry> StandardInquiry::decode(ByteView data) {
  if (data.size() < kStandardInquiryBytes)
    return fail(ErrorCode::kCorrupt, "INQUIRY data is too short", "INQUIRY data");
  return StandardInquiry{.device_type = bits_at(data, 0, 0, 5),
                         .removable = bit_at(data, 1, 7),
                         .vendor = right_trimmed(data.subspan(8, 8)),
                         .product = right_trimmed(data.subspan(16, 16)),
                         .revision = right_trimmed(data.subspan(32, 4))};
}

Bytes encode_vpd_page(std::uint8_t device_type, std::uint8_t page, ByteView content) {
  ByteWriter out;
  out.u8(device_type).u8(page).bytes16(content);
  return out.take();
}

Result<ByteView> vpd_page_content(ByteView data, std::uint8_t page) {
  ByteReader in(data);
  TRY(in.skip(1, "peripheral device type"));
  if (TRY(in.u8("page code")) != page)
    return fail(ErrorCode::kCorrupt, "the device sent another vital product data page", "page code");
  return in.bytes16(0xffff, "page length");
}

Bytes encode_designators(const std::vector<Designator>& designators) {
  ByteWriter out;
  for (const auto& designator : designators) {
    TW_ASSERT(designator.value.size() < 256);
    out.u8(static_cast<std::uint8_t>(designator.code));
    out.u8(joined(static_cast<unsigned>(designator.kind), shifted(designator.of_port ? 1 : 0, 4)));
    out.u8(0).u8(static_cast<std::uint8_t>(designator.value.size())).bytes(designator.value);
  }
  return out.take();
}

Result<std::vector<Designator>> decode_designators(ByteView content) {
  std::vector<Designator> designators;
  ByteReader in(content);
  while (!in.done()) {
    Designator designator;
    designator.code = static_cast<DesignatorCode>(TRY(in.u8("code set")) & 0x0fU);
    const auto kind = TRY(in.u8("designator type"));
    designator.kind = static_cast<DesignatorKind>(kind & 0x0fU);
    designator.of_port = (kind & 0x30U) != 0;
    TRY(in.skip(1, "reserved"));
    designator.value = to_bytes(TRY(in.bytes(TRY(in.u8("designator length")), "designator")));
    designators.push_back(std::move(designator));
  }
  return designators;
}

}  // namespace tapewarden::scsi

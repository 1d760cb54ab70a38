#include "scsi/mode.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kDescriptorBytes = 8;
constexpr std::size_t kReadWriteControlBody = 30;
constexpr std::size_t kMethodAt = 27 - 2;

std::unexpected<Error> at(ErrorCode code, std::size_t offset, std::string_view what) {
  return fail(code, "mode parameters do not fit", std::string(what), {}, static_cast<std::uint32_t>(offset));
}

struct Header {
  ModeParameters parameters;
  std::size_t bytes;
  std::size_t descriptor_bytes;
};

Result<Header> decode_header(ByteView data, bool ten) {
  const std::size_t bytes = ten ? 8 : 4;
  if (data.size() < bytes) return at(ErrorCode::kCorrupt, data.size(), "mode parameter header");
  const std::size_t shift = ten ? 1 : 0;
  if (ten && bit_at(data, 4, 0)) return at(ErrorCode::kUnsupported, 4, "LONGLBA");
  Header header;
  header.bytes = bytes;
  header.parameters.medium_type = data[1 + shift];
  header.parameters.write_protected = bit_at(data, 2 + shift, 7);
  header.parameters.buffered_mode = bits_at(data, 2 + shift, 4, 3);
  header.parameters.speed = bits_at(data, 2 + shift, 0, 4);
  header.descriptor_bytes = ten ? u16_at(data, 6) : std::size_t{data[3]};
  if (header.descriptor_bytes != 0 && header.descriptor_bytes != kDescriptorBytes)
    return at(ErrorCode::kUnsupported, ten ? 6 : 3, "block descriptor length");
  return header;
}

// SPF (bit 6) tells the form with a subpage code and a length of two bytes.
Result<ModePage> decode_page(ByteView data, std::size_t offset) {
  const bool with_subpage = bit_at(data, offset, 6);
  ModePage page{.code = bits_at(data, offset, 0, 6)};
  const std::size_t header = with_subpage ? 4 : 2;
  if (data.size() - offset < header) return at(ErrorCode::kCorrupt, data.size(), "mode page");
  if (with_subpage) page.subpage = data[offset + 1];
  if (with_subpage && page.subpage == 0) return at(ErrorCode::kUnsupported, offset + 1, "subpage code");
  const std::size_t length = with_subpage ? u16_at(data, offset + 2) : std::size_t{data[offset + 1]};
  if (data.size() - offset - header < length)
    return at(ErrorCode::kCorrupt, offset + header - 1, "page length");
  page.body = to_bytes(data.subspan(offset + header, length));
  return page;
}

}  // namespace

Bytes ModeParameters::encode(bool ten) const {
  ByteWriter out;
  const auto specific = joined(flag(write_protected, 7), shifted(buffered_mode, 4), speed);
  const std::size_t descriptor_bytes = descriptor ? kDescriptorBytes : 0;
  if (ten) {
    out.u16(0).u8(medium_type).u8(specific).u16(0).u16(static_cast<std::uint16_t>(descriptor_bytes));
  } else {
    out.u8(0).u8(medium_type).u8(specific).u8(static_cast<std::uint8_t>(descriptor_bytes));
  }
  if (descriptor)
    out.u8(descriptor->density).u24(descriptor->block_count).u8(0).u24(descriptor->block_length);
  for (const auto& page : pages) {
    // The length has one byte, that of a subpage two.
    TW_ASSERT(page.body.size() <= (page.subpage != 0 ? 0xffffU : 0xffU));
    if (page.subpage != 0) {
      out.u8(joined(page.code, flag(true, 6))).u8(page.subpage).bytes16(page.body);
    } else {
      out.u8(page.code).u8(static_cast<std::uint8_t>(page.body.size())).bytes(page.body);
    }
  }
  auto data = out.take();
  if (ten) {
    copy_bytes(data, ByteWriter().u16(static_cast<std::uint16_t>(data.size() - 2)).view());
  } else {
    data[0] = static_cast<std::uint8_t>(data.size() - 1);
  }
  return data;
}

Result<ModeParameters> ModeParameters::decode(ByteView data, bool ten) {
  auto header = TRY(decode_header(data, ten));
  auto& parameters = header.parameters;
  std::size_t offset = header.bytes;
  if (header.descriptor_bytes != 0) {
    if (data.size() - offset < kDescriptorBytes)
      return at(ErrorCode::kCorrupt, data.size(), "block descriptor");
    parameters.descriptor = BlockDescriptor{data[offset], u24_at(data, offset + 1), u24_at(data, offset + 5)};
    offset += kDescriptorBytes;
  }
  while (offset < data.size()) {
    auto page = TRY(decode_page(data, offset));
    offset += page.header_bytes() + page.body.size();
    parameters.pages.push_back(std::move(page));
  }
  return std::move(parameters);
}

const ModePage* ModeParameters::find(std::uint8_t code, std::uint8_t subpage) const {
  for (const auto& page : pages)
    if (page.code == code && page.subpage == subpage) return &page;
  return nullptr;
}

ModePage DataCompressionPage::encode() const {
  ByteWriter out;
  out.u8(joined(flag(enabled, 7), flag(capable, 6))).u8(flag(decompression, 7));
  out.u32(enabled ? algorithm : 0).u32(algorithm).zeros(4);
  return {mode_page::kDataCompression, out.take()};
}

Result<DataCompressionPage> DataCompressionPage::decode(const ModePage& page) {
  if (page.code != mode_page::kDataCompression || page.body.size() != 14)
    return at(ErrorCode::kCorrupt, 1, "data compression page");
  return DataCompressionPage{.enabled = bit_at(page.body, 0, 7),
                             .capable = bit_at(page.body, 0, 6),
                             .decompression = bit_at(page.body, 1, 7),
                             .algorithm = u32_at(page.body, 6)};
}

ModePage DeviceConfigurationPage::encode() const {
  ByteWriter out;
  out.u8(0).u8(0).u8(0).u8(0);  // active format and partition, buffer ratios
  out.u16(write_delay);         // bytes 6-7
  out.u8(0x40);                 // BIS: block identifiers supported
  out.u8(gap_size);             // byte 9
  out.u8(joined(flag(true, 4), flag(synchronize_at_early_warning, 3)));  // EEG: end of data is written
  out.u24(0);                                                            // buffer size at early warning
  out.u8(compression).u8(0);                                             // bytes 14 and 15
  return {mode_page::kDeviceConfiguration, out.take()};
}

Result<DeviceConfigurationPage> DeviceConfigurationPage::decode(const ModePage& page) {
  if (page.code != mode_page::kDeviceConfiguration || page.body.size() != 14)
    return at(ErrorCode::kCorrupt, 1, "device configuration page");
  return DeviceConfigurationPage{.write_delay = u16_at(page.body, 4),
                                 .gap_size = page.body[7],
                                 .synchronize_at_early_warning = bit_at(page.body, 8, 3),
                                 .compression = page.body[12]};
}

ModePage ReadWriteControlPage::encode() const {
  Bytes body(kReadWriteControlBody);
  body[kMethodAt] = static_cast<std::uint8_t>(method);
  return {mode_page::kReadWriteControl, std::move(body)};
}

Result<ReadWriteControlPage> ReadWriteControlPage::decode(const ModePage& page) {
  if (page.code != mode_page::kReadWriteControl || page.body.size() <= kMethodAt)
    return at(ErrorCode::kCorrupt, 1, "read/write control page");
  return ReadWriteControlPage{.method = static_cast<EncryptionMethod>(page.body[kMethodAt])};
}

}  // namespace tapewarden::scsi

#include "iscsi/pdu.h"

#include "base/assert.h"
#include "base/crc32c.h"

namespace tapewarden::iscsi {

namespace {

template <typename T>
T big_endian(ByteView bytes) {
  T value = 0;
  for (const auto byte : bytes) value = static_cast<T>((value << 8U) | byte);
  return value;
}

constexpr std::size_t kDataLengthAt = 5;

}  // namespace

Header::Header(ByteView bytes) {
  TW_ASSERT(bytes.size() == kHeaderBytes);
  copy_bytes(bytes_, bytes);
}

Header::Header(Opcode opcode, bool immediate) {
  bytes_[0] = static_cast<std::uint8_t>(static_cast<unsigned>(opcode) | (immediate ? 0x40U : 0U));
}

std::size_t Header::data_bytes() const {
  return big_endian<std::uint32_t>(bytes(kDataLengthAt, 3));
}
std::uint16_t Header::u16(std::size_t at) const {
  return static_cast<std::uint16_t>(big_endian<std::uint32_t>(bytes(at, 2)));
}
std::uint32_t Header::u32(std::size_t at) const {
  return big_endian<std::uint32_t>(bytes(at, 4));
}
std::uint64_t Header::u64(std::size_t at) const {
  return big_endian<std::uint64_t>(bytes(at, 8));
}

Header& Header::set_u8(std::size_t at, std::uint8_t value) {
  bytes_[at] = value;
  return *this;
}
Header& Header::set_bits(std::size_t at, std::uint8_t bits) {
  bytes_[at] = static_cast<std::uint8_t>(bytes_[at] | bits);
  return *this;
}
Header& Header::set_u16(std::size_t at, std::uint16_t value) {
  return set_bytes(at, ByteWriter().u16(value).view());
}
Header& Header::set_u32(std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes_[at + i] = static_cast<std::uint8_t>(value >> (24U - 8U * i));
  return *this;
}
Header& Header::set_u64(std::size_t at, std::uint64_t value) {
  set_u32(at, static_cast<std::uint32_t>(value >> 32U));
  return set_u32(at + 4, static_cast<std::uint32_t>(value));
}
Header& Header::set_bytes(std::size_t at, ByteView value) {
  copy_bytes(MutableByteView(bytes_).subspan(at, value.size()), value);
  return *this;
}
Header& Header::set_data_bytes(std::size_t count) {
  TW_ASSERT(count <= kMaxSegment);
  for (std::size_t i = 0; i < 3; ++i)
    bytes_[kDataLengthAt + i] = static_cast<std::uint8_t>(count >> (16U - 8U * i));
  return *this;
}

std::array<std::uint8_t, kDigestBytes> digest_bytes(std::uint32_t crc) {
  std::array<std::uint8_t, kDigestBytes> bytes{};
  for (std::size_t i = 0; i < kDigestBytes; ++i) bytes[i] = static_cast<std::uint8_t>(crc >> (8U * i));
  return bytes;
}

std::uint32_t digest_value(ByteView bytes) {
  TW_ASSERT(bytes.size() == kDigestBytes);
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kDigestBytes; ++i) value |= static_cast<std::uint32_t>(bytes[i]) << (8U * i);
  return value;
}

Bytes encode_head(const Header& header, Digests digests) {
  ByteWriter out;
  out.bytes(header.view());
  if (digests.header) out.bytes(digest_bytes(crc32c(header.view())));
  return out.take();
}

Bytes encode_tail(ByteView data, Digests digests) {
  static constexpr std::array<std::uint8_t, 3> kZeros{};
  if (data.empty()) return {};
  const auto padding = ByteView(kZeros).first(padding_of(data.size()));
  if (padding.empty() && !digests.data) return {};
  ByteWriter out;
  out.bytes(padding);
  if (digests.data) out.bytes(digest_bytes(crc32c(padding, crc32c(data))));
  return out.take();
}

Bytes encode_pdu(Header header, ByteView data, Digests digests, ByteView ahs) {
  TW_ASSERT(ahs.size() % 4 == 0 && ahs.size() < 1024);
  header.set_data_bytes(data.size()).set_u8(4, static_cast<std::uint8_t>(ahs.size() / 4));
  ByteWriter out;
  out.bytes(header.view()).bytes(ahs);
  if (digests.header) out.bytes(digest_bytes(crc32c(ahs, crc32c(header.view()))));
  out.bytes(data).bytes(encode_tail(data, digests));
  return out.take();
}

}  // namespace tapewarden::iscsi

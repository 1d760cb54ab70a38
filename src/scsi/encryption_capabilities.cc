#include "scsi/encryption_capabilities.h"

#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kReservedInPage = 15;
constexpr std::uint16_t kDescriptorLength = 0x14;  // of what follows the first four bytes

void write_descriptor(ByteWriter& out, const AlgorithmDescriptor& a) {
  out.u8(a.index).u8(0).u16(kDescriptorLength);
  out.u8(joined(flag(a.valid_for_mounted_volume, 7), flag(a.mac_capable, 5),
                flag(a.distinguishes_encrypted, 4), shifted(a.decrypt_capability, 2), a.encrypt_capability));
  out.u8(joined(shifted(a.valid_for_position, 6), shifted(a.nonce_capability, 4),
                flag(a.kad_format_capable, 3), flag(a.tells_encrypted_volume, 2),
                flag(a.unauthenticated_fixed, 1), flag(a.authenticated_fixed, 0)));
  out.u16(a.max_unauthenticated).u16(a.max_authenticated).u16(a.key_size);
  out.u8(joined(shifted(a.descriptor_capability, 6), shifted(a.external_mode_capability, 4),
                shifted(a.raw_control_capability, 1), flag(a.records_mode, 0)));
  out.u8(a.max_eedks).u16(0).u16(a.max_eedk_size).zeros(2).u32(a.algorithm);
}

Result<AlgorithmDescriptor> read_descriptor(ByteReader& in) {
  const auto d = TRY(in.bytes(4 + std::size_t{kDescriptorLength}, "encryption algorithm descriptor"));
  if (u16_at(d, 2) != kDescriptorLength)
    return fail(ErrorCode::kCorrupt, "an encryption algorithm descriptor has an unknown length", "length");
  return AlgorithmDescriptor{.index = d[0],
                             .valid_for_mounted_volume = bit_at(d, 4, 7),
                             .mac_capable = bit_at(d, 4, 5),
                             .distinguishes_encrypted = bit_at(d, 4, 4),
                             .decrypt_capability = bits_at(d, 4, 2, 2),
                             .encrypt_capability = bits_at(d, 4, 0, 2),
                             .valid_for_position = bits_at(d, 5, 6, 2),
                             .nonce_capability = bits_at(d, 5, 4, 2),
                             .kad_format_capable = bit_at(d, 5, 3),
                             .tells_encrypted_volume = bit_at(d, 5, 2),
                             .unauthenticated_fixed = bit_at(d, 5, 1),
                             .authenticated_fixed = bit_at(d, 5, 0),
                             .max_unauthenticated = u16_at(d, 6),
                             .max_authenticated = u16_at(d, 8),
                             .key_size = u16_at(d, 10),
                             .descriptor_capability = bits_at(d, 12, 6, 2),
                             .external_mode_capability = bits_at(d, 12, 4, 2),
                             .raw_control_capability = bits_at(d, 12, 1, 3),
                             .records_mode = bit_at(d, 12, 0),
                             .max_eedks = bits_at(d, 13, 0, 4),
                             .max_eedk_size = u16_at(d, 16),
                             .algorithm = u32_at(d, 20)};
}

}  // namespace

Bytes encode_security_page(std::uint16_t code, ByteView content) {
  return ByteWriter().u16(code).bytes16(content).take();
}

Result<ByteView> security_page_content(ByteView data, std::uint16_t code) {
  ByteReader in(data);
  if (TRY(in.u16("page code")) != code)
    return fail(ErrorCode::kCorrupt, "the device sent another page than the one asked for", "page code");
  return in.bytes16(0xffff, "page length");
}

Bytes encode_page_list(std::uint16_t page, const std::vector<std::uint16_t>& codes) {
  ByteWriter out;
  for (const auto code : codes) out.u16(code);
  return encode_security_page(page, out.view());
}

Result<std::vector<std::uint16_t>> decode_page_list(ByteView data, std::uint16_t page) {
  ByteReader in(TRY(security_page_content(data, page)));
  std::vector<std::uint16_t> codes;
  while (!in.done()) codes.push_back(TRY(in.u16("page code list")));
  return codes;
}

Bytes EncryptionCapabilities::encode() const {
  ByteWriter out;
  out.u8(joined(shifted(external_control, 2), configuration_prevent)).zeros(kReservedInPage);
  for (const auto& algorithm : algorithms) write_descriptor(out, algorithm);
  return encode_security_page(encryption_in::kCapabilities, out.view());
}

Result<EncryptionCapabilities> EncryptionCapabilities::decode(ByteView data) {
  ByteReader in(TRY(security_page_content(data, encryption_in::kCapabilities)));
  const auto flags = TRY(in.u8("capabilities"));
  TRY(in.skip(kReservedInPage, "capabilities"));
  EncryptionCapabilities capabilities{.external_control = static_cast<std::uint8_t>((flags >> 2U) & 3U),
                                      .configuration_prevent = static_cast<std::uint8_t>(flags & 3U),
                                      .algorithms = {}};
  while (!in.done()) capabilities.algorithms.push_back(TRY(read_descriptor(in)));
  return capabilities;
}

Bytes encode_key_formats(const std::vector<KeyFormat>& formats) {
  ByteWriter out;
  for (const auto format : formats) out.u8(static_cast<std::uint8_t>(format));
  return encode_security_page(encryption_in::kKeyFormats, out.view());
}

Result<std::vector<KeyFormat>> decode_key_formats(ByteView data) {
  std::vector<KeyFormat> formats;
  for (const auto byte : TRY(security_page_content(data, encryption_in::kKeyFormats)))
    formats.push_back(static_cast<KeyFormat>(byte));
  return formats;
}

Bytes EncryptionManagement::encode() const {
  ByteWriter out;
  out.u8(flag(lock, 0));
  out.u8(joined(flag(clear_on_demount, 2), flag(clear_on_reservation_preempt, 1),
                flag(clear_on_reservation_loss, 0)));
  out.u8(0).u8(joined(flag(all_nexuses, 2), flag(local, 1), flag(shared, 0))).zeros(8);
  return encode_security_page(encryption_in::kManagement, out.view());
}

Result<EncryptionManagement> EncryptionManagement::decode(ByteView data) {
  const auto c = TRY(security_page_content(data, encryption_in::kManagement));
  if (c.size() < 4) return fail(ErrorCode::kCorrupt, "the management page is too short", "page length");
  return EncryptionManagement{.lock = bit_at(c, 0, 0),
                              .clear_on_demount = bit_at(c, 1, 2),
                              .clear_on_reservation_preempt = bit_at(c, 1, 1),
                              .clear_on_reservation_loss = bit_at(c, 1, 0),
                              .all_nexuses = bit_at(c, 3, 2),
                              .local = bit_at(c, 3, 1),
                              .shared = bit_at(c, 3, 0)};
}

Bytes encode_protocol_list(const std::vector<std::uint8_t>& protocols) {
  return ByteWriter().zeros(6).bytes16(protocols).take();
}

Result<std::vector<std::uint8_t>> decode_protocol_list(ByteView data) {
  ByteReader in(data);
  TRY(in.skip(6, "reserved"));
  return to_bytes(TRY(in.bytes16(256, "protocol list length")));
}

Bytes encode_certificate_page(ByteView certificate) {
  return ByteWriter().zeros(2).bytes16(certificate).take();
}

Result<Bytes> decode_certificate_page(ByteView data) {
  ByteReader in(data);
  TRY(in.skip(2, "reserved"));
  return to_bytes(TRY(in.bytes16(0xffff, "certificate length")));
}

}  // namespace tapewarden::scsi

#include "scsi/encryption_status.h"

#include "scsi/encryption_capabilities.h"
#include "scsi/fields.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kStatusFixed = 20;  // content before the descriptors
constexpr std::size_t kNextBlockFixed = 12;

}  // namespace

Bytes EncryptionStatus::encode() const {
  ByteWriter out;
  out.u8(joined(shifted(static_cast<unsigned>(nexus_scope), 5), static_cast<unsigned>(key_scope)));
  out.u8(static_cast<std::uint8_t>(encryption)).u8(static_cast<std::uint8_t>(decryption));
  out.u8(algorithm_index).u32(key_instance);
  out.u8(joined(shifted(static_cast<unsigned>(control), 4), flag(volume_holds_encrypted, 3),
                shifted(static_cast<unsigned>(check), 1), flag(raw_blocked, 0)));
  out.u8(static_cast<std::uint8_t>(kad_format)).u16(0).zeros(8);
  out.bytes(encode_kads(kads));
  return encode_security_page(encryption_in::kStatus, out.view());
}

Result<EncryptionStatus> EncryptionStatus::decode(ByteView data) {
  const auto c = TRY(security_page_content(data, encryption_in::kStatus));
  if (c.size() < kStatusFixed)
    return fail(ErrorCode::kCorrupt, "the status page is too short", "page length");
  return EncryptionStatus{.nexus_scope = static_cast<KeyScope>(bits_at(c, 0, 5, 3)),
                          .key_scope = static_cast<KeyScope>(bits_at(c, 0, 0, 3)),
                          .encryption = static_cast<EncryptionMode>(c[1]),
                          .decryption = static_cast<DecryptionMode>(c[2]),
                          .algorithm_index = c[3],
                          .key_instance = u32_at(c, 4),
                          .control = static_cast<ParametersControl>(bits_at(c, 8, 4, 3)),
                          .check = static_cast<ExternalModeCheck>(bits_at(c, 8, 1, 2)),
                          .raw_blocked = bit_at(c, 8, 0),
                          .volume_holds_encrypted = bit_at(c, 8, 3),
                          .kad_format = static_cast<KadFormat>(c[9]),
                          .kads = TRY(decode_kads(c.subspan(kStatusFixed)))};
}

Bytes NextBlockStatus::encode() const {
  ByteWriter out;
  out.u64(logical_object);
  out.u8(joined(shifted(static_cast<unsigned>(compression), 4), static_cast<unsigned>(status)));
  out.u8(algorithm_index).u8(joined(flag(external_mode, 1), flag(raw_blocked, 0)));
  out.u8(static_cast<std::uint8_t>(kad_format)).bytes(encode_kads(kads));
  return encode_security_page(encryption_in::kNextBlock, out.view());
}

Result<NextBlockStatus> NextBlockStatus::decode(ByteView data) {
  const auto c = TRY(security_page_content(data, encryption_in::kNextBlock));
  if (c.size() < kNextBlockFixed)
    return fail(ErrorCode::kCorrupt, "the next block page is too short", "page length");
  return NextBlockStatus{.logical_object = u64_at(c, 0),
                         .compression = static_cast<CompressionStatus>(bits_at(c, 8, 4, 4)),
                         .status = static_cast<BlockStatus>(bits_at(c, 8, 0, 4)),
                         .algorithm_index = c[9],
                         .external_mode = bit_at(c, 10, 1),
                         .raw_blocked = bit_at(c, 10, 0),
                         .kad_format = static_cast<KadFormat>(c[11]),
                         .kads = TRY(decode_kads(c.subspan(kNextBlockFixed)))};
}

}  // namespace tapewarden::scsi

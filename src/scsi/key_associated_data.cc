#include "scsi/key_associated_data.h"

#include "scsi/fields.h"
#include "scsi/tape_encryption.h"

namespace tapewarden::scsi {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::uint8_t kLastKind = 0x04;

}  // namespace

Bytes encode_kads(const KadList& kads) {
  ByteWriter out;
  for (const auto& kad : kads)
    out.u8(static_cast<std::uint8_t>(kad.kind))
        .u8(static_cast<std::uint8_t>(kad.authentication))
        .bytes16(kad.value);
  return out.take();
}

Result<KadList> decode_kads(ByteView bytes) {
  KadList kads;
  ByteReader in(bytes);
  while (!in.done()) {
    KeyAssociatedData kad;
    const auto kind = TRY(in.u8("key descriptor type"));
    if (kind > kLastKind)
      return fail(ErrorCode::kCorrupt, "a key-associated data descriptor has an unknown type",
                  "descriptor type");
    kad.kind = static_cast<KadKind>(kind);
    kad.authentication = static_cast<Authentication>(TRY(in.u8("authenticated")) & 0x07U);
    kad.value = to_bytes(TRY(in.bytes16(kMaxKadLength, "key descriptor length")));
    kads.push_back(std::move(kad));
  }
  return kads;
}

Outcome<KadList> parse_kads(ByteView bytes, std::size_t base) {
  KadList kads;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes.size() - at < kHeaderBytes) return invalid_in_parameters(base + at);
    const auto kind = bytes[at];
    const std::size_t length = u16_at(bytes, at + 2);
    if (kind > kLastKind || (!kads.empty() && kind <= static_cast<std::uint8_t>(kads.back().kind)))
      return invalid_in_parameters(base + at);
    if (bytes[at + 1] != 0) return invalid_in_parameters(base + at + 1);
    if (length > kMaxKadLength || length > bytes.size() - at - kHeaderBytes)
      return invalid_in_parameters(base + at + 2);
    kads.push_back({static_cast<KadKind>(kind), Authentication::kNone,
                    to_bytes(bytes.subspan(at + kHeaderBytes, length))});
    at += kHeaderBytes + length;
  }
  return kads;
}

const KeyAssociatedData* find_kad(const KadList& kads, KadKind kind) {
  for (const auto& kad : kads)
    if (kad.kind == kind) return &kad;
  return nullptr;
}

}  // namespace tapewarden::scsi

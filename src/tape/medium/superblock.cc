#include "tape/medium/superblock.h"

#include "base/assert.h"
#include "base/text.h"
#include "tape/medium/area_codec.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {

std::string_view to_string(MediumKind kind) {
  return kind == MediumKind::kLto ? "LTO" : "3592";
}

std::string_view to_string(KeyManagement management) {
  switch (management) {
    case KeyManagement::kNone:
      return "none";
    case KeyManagement::kApplication:
      return "application-managed";
    case KeyManagement::kLibrary:
      return "library-managed";
    case KeyManagement::kSystem:
      return "system-managed";
  }
  return "unknown";
}

namespace {

// Version 2 is written only where a program that knows version 1 alone would go wrong.
constexpr std::uint16_t kPartitionedVersion = 2;

bool has_partition_fields(const Superblock& block) {
  return block.partitions != 1 || block.partition != 0 || block.formatting || !block.format.is_nil();
}

}  // namespace

Bytes encode_superblock(const Superblock& block) {
  TW_ASSERT(block.volser.size() <= kMaxVolserBytes);
  const bool partitioned = has_partition_fields(block);
  ByteWriter out = begin_area(kSuperblockMagic, partitioned ? kPartitionedVersion : kFormatVersion);
  out.u64(block.generation).bytes(block.volume.view()).padded(block.volser, kMaxVolserBytes);
  out.u8(static_cast<std::uint8_t>(block.kind)).u8(block.density).u8(block.worm ? 1 : 0);
  out.u8(static_cast<std::uint8_t>(block.management)).u8(block.compression_level).u8(block.closed ? 1 : 0);
  out.u16(0);
  out.u64(block.capacity_bytes).u64(block.early_warning_bytes);
  out.u64(static_cast<std::uint64_t>(to_millis(block.created)));
  out.u32(block.next_session_id).u32(0).u64(block.index_offset);
  out.u64(block.mark.length).u64(block.mark.last_offset).u64(block.mark.logical_object);
  out.u32(block.mark.file_number).u32(block.mark.session_id).bytes(block.mark.link);
  if (partitioned) {
    out.bytes(block.format.view()).u8(block.partition).u8(block.partitions).u8(block.formatting ? 1 : 0);
    out.zeros(5).u64(block.medium_bytes).u64(block.medium_warning_bytes);
  }
  return finish_area(std::move(out), kSuperblockBytes);
}

namespace {

std::unexpected<Error> bad_field(std::string_view name) {
  return fail(ErrorCode::kCorrupt, "superblock has a value out of range in " + std::string(name),
              std::string(name));
}

Status read_identity(ByteReader& in, Superblock& out) {
  out.generation = TRY(read_generation(in, "superblock"));
  out.volume.bytes = TRY(in.array<16>("volume"));
  out.volser = std::string(trim(as_text(TRY(in.bytes(kMaxVolserBytes, "volser")))));
  if (!is_printable(out.volser)) return bad_field("volser");
  const auto kind = TRY(in.u8("medium kind"));
  if (kind != 1 && kind != 2) return bad_field("medium kind");
  out.kind = static_cast<MediumKind>(kind);
  out.density = TRY(in.u8("density"));
  const auto worm = TRY(in.u8("WORM flag"));
  if (worm > 1) return bad_field("WORM flag");
  out.worm = worm == 1;
  const auto management = TRY(in.u8("key management"));
  if (management > 3) return bad_field("key management");
  out.management = static_cast<KeyManagement>(management);
  out.compression_level = TRY(in.u8("compression level"));
  if (out.compression_level > kMaxCompressionLevel) return bad_field("compression level");
  const auto closed = TRY(in.u8("closed flag"));
  if (closed > 1) return bad_field("closed flag");
  out.closed = closed == 1;
  TRY(in.skip(2, "reserved"));
  out.capacity_bytes = TRY(in.u64("capacity"));
  if (out.capacity_bytes > kMaxCapacityBytes) return bad_field("capacity");
  out.early_warning_bytes = TRY(in.u64("early warning"));
  if (out.early_warning_bytes > out.capacity_bytes) return bad_field("early warning");
  out.created = from_millis(static_cast<std::int64_t>(TRY(in.u64("creation time"))));
  return {};
}

Status read_mark(ByteReader& in, Superblock& out) {
  out.next_session_id = TRY(in.u32("next session"));
  TRY(in.skip(4, "reserved"));
  out.index_offset = TRY(in.u64("index offset"));
  out.mark.length = TRY(in.u64("sync mark length"));
  out.mark.last_offset = TRY(in.u64("last record offset"));
  out.mark.logical_object = TRY(in.u64("logical object"));
  out.mark.file_number = TRY(in.u32("file number"));
  out.mark.session_id = TRY(in.u32("session"));
  out.mark.link = TRY(in.array<16>("link"));
  if (out.mark.length < kDataStart || out.mark.last_offset > out.mark.length)
    return bad_field("sync mark length");
  if (out.index_offset != 0 && (out.index_offset < kDataStart || out.index_offset >= out.mark.length))
    return bad_field("index offset");
  return {};
}

Status read_partition(ByteReader& in, Superblock& out) {
  out.format.bytes = TRY(in.array<16>("format id"));
  out.partition = TRY(in.u8("partition"));
  out.partitions = TRY(in.u8("partitions"));
  if (out.partitions == 0 || out.partitions > 2 || out.partition >= out.partitions)
    return bad_field("partitions");
  const auto formatting = TRY(in.u8("formatting flag"));
  if (formatting > 1) return bad_field("formatting flag");
  out.formatting = formatting == 1;
  TRY(in.skip(5, "reserved"));
  out.medium_bytes = TRY(in.u64("capacity of the medium"));
  out.medium_warning_bytes = TRY(in.u64("early warning of the medium"));
  if (out.medium_bytes > kMaxCapacityBytes || out.medium_warning_bytes > out.medium_bytes)
    return bad_field("capacity of the medium");
  return {};
}

}  // namespace

Result<Superblock> decode_superblock(ByteView bytes) {
  std::uint16_t version = kFormatVersion;
  ByteReader in =
      TRY(open_area(bytes, kSuperblockMagic, kSuperblockBytes, "superblock", kPartitionedVersion, &version));
  Superblock out;
  TRY(read_identity(in, out));
  TRY(read_mark(in, out));
  if (version == kPartitionedVersion) TRY(read_partition(in, out));
  return out;
}

}  // namespace tapewarden::tape

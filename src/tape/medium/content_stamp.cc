#include "tape/medium/content_stamp.h"

#include "crypto/hash.h"
#include "tape/medium/header_areas.h"
#include "tape/medium/partition_set.h"

namespace tapewarden::tape {
namespace {

constexpr std::string_view kPurpose = "tapewarden content stamp 1";
constexpr AttributeId kFirstKeptByOthers = 0x0400;  // attributes below are the drive's own

void put_mark(ByteWriter& out, const Superblock& block) {
  out.u64(block.mark.length).u64(block.mark.last_offset).u64(block.mark.logical_object);
  out.u32(block.mark.file_number).u32(block.mark.session_id).bytes(block.mark.link);
  out.u32(block.next_session_id).u64(block.index_offset).u8(block.closed ? 1 : 0);
  out.u8(static_cast<std::uint8_t>(block.management)).u8(block.compression_level);
}

void put_attributes(ByteWriter& out, const AttributeMap& attributes) {
  for (const auto& [id, attribute] : attributes)
    if (id >= kFirstKeptByOthers)
      out.u16(id).u8(static_cast<std::uint8_t>(attribute.format)).bytes32(attribute.value);
}

// The other partition's own, or that it is lost.
Status put_second(ByteWriter& out, Disk& disk, const std::string& path, const Superblock& first) {
  const auto second = find_second(disk, path, first);
  out.u8(second ? 2 : 1);
  if (!second) return {};
  const auto file = TRY(disk.open(*second, OpenMode::kRead));
  const auto superblocks = TRY(SuperblockPair::load(*file));
  out.u64(TRY(file->size()));
  put_mark(out, superblocks.current());
  put_attributes(out, TRY(MemoryArea::load(*file)).attributes());
  return {};
}

}  // namespace

Result<Hash256> content_stamp(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  const auto superblocks = TRY(SuperblockPair::load(*file));
  const auto keys = TRY(KeyArea::load(*file));
  const auto memory = TRY(MemoryArea::load(*file));
  ByteWriter out;
  out.text(kPurpose).bytes(superblocks.current().volume.bytes).u64(TRY(file->size()));
  put_mark(out, superblocks.current());
  out.bytes(encode_key_slot({.generation = 0, .info = keys.report().info}));
  put_attributes(out, memory.attributes());
  if (superblocks.current().partitions > 1) TRY(put_second(out, disk, path, superblocks.current()));
  return crypto::sha256(out.view());
}

}  // namespace tapewarden::tape

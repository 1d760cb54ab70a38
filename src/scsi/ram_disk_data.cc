// The RAM disk's commands that touch its blocks (SBC-3 section 5).
#include <algorithm>

#include "scsi/fields.h"
#include "scsi/ram_disk.h"
#include "scsi/sense_codes.h"

namespace tapewarden::scsi {

namespace {

constexpr SenseCode kBlockOutOfRange{SenseKey::kIllegalRequest, 0x21, 0x00};
constexpr SenseCode kMiscompare{SenseKey::kMiscompare, 0x1d, 0x00};
constexpr std::uint8_t kCompareAndWrite = 0x89;
constexpr std::uint8_t kMaxCompareBlocks = 128;  // told by VPD page B0h

Response took(std::uint64_t bytes) {
  auto response = good();
  response.data_out_used = static_cast<std::size_t>(bytes);
  return response;
}

Sense miscompare(std::size_t offset) {
  return Sense{.code = kMiscompare}.with_information(static_cast<std::int64_t>(offset));
}

// The first byte where both differ, as far as both reach.
std::optional<std::size_t> difference(ByteView a, ByteView b) {
  const auto size = std::min(a.size(), b.size());
  const auto [at, other] = std::ranges::mismatch(a.first(size), b.first(size));
  if (at == a.begin() + static_cast<std::ptrdiff_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(at - a.begin());
}

}  // namespace

Outcome<RamDisk::Extent> RamDisk::extent_of(ByteView cdb) const {
  Extent extent;
  if (cdb.size() == 6) {
    extent = {u24_at(cdb, 1) & 0x1f'ffffU, cdb[4] == 0 ? 256U : cdb[4]};
  } else if (cdb.size() == 10) {
    extent = {u32_at(cdb, 2), u16_at(cdb, 7)};
  } else if (cdb.size() == 12) {
    extent = {u32_at(cdb, 2), u32_at(cdb, 6)};
  } else {
    extent = {u64_at(cdb, 2), cdb[0] == kCompareAndWrite ? cdb[13] : u32_at(cdb, 10)};
  }
  // Protection information is not there (READ(6) has its address in these bits).
  if (cdb.size() > 6 && bits_at(cdb, 1, 5, 3) != 0) return invalid_in_cdb(1, 7);
  if (extent.first > blocks_ || extent.blocks > blocks_ - extent.first) return check(kBlockOutOfRange);
  return extent;
}

MutableByteView RamDisk::bytes_of(Extent extent) {
  return MutableByteView(data_).subspan(static_cast<std::size_t>(extent.first) * kRamDiskBlock,
                                        static_cast<std::size_t>(extent.blocks) * kRamDiskBlock);
}

// Whole blocks only, as many as came.
void RamDisk::store(Extent extent, ByteView data) {
  const auto to = bytes_of(extent);
  const auto bytes = std::min(to.size(), data.size());
  copy_bytes(to, data.first(bytes - bytes % kRamDiskBlock));
}

RamDisk::Reply RamDisk::read_capacity10(const Command& command) {
  if (!bit_at(command.cdb, 8, 0) && u32_at(command.cdb, 2) != 0) return invalid_in_cdb(2);
  const auto last = std::min<std::uint64_t>(blocks_ - 1, 0xffffffffU);
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(last)).u32(kRamDiskBlock);
  return good(out.take());
}

RamDisk::Reply RamDisk::read_capacity16(const Command& command) {
  ByteWriter out;
  out.u64(blocks_ - 1).u32(kRamDiskBlock).zeros(20);
  auto data = out.take();
  data.resize(std::min<std::size_t>(data.size(), u32_at(command.cdb, 10)));
  return good(std::move(data));
}

RamDisk::Reply RamDisk::read(const Command& command) {
  const auto extent = TRY(extent_of(command.cdb));
  if (extent.blocks > kRamDiskMaxTransferBlocks) return invalid_in_cdb(command.cdb.size() == 10 ? 7 : 10);
  return good(to_bytes(bytes_of(extent)));
}

RamDisk::Reply RamDisk::write(const Command& command) {
  const auto extent = TRY(extent_of(command.cdb));
  store(extent, command.data_out);
  return took(extent.blocks * kRamDiskBlock);
}

RamDisk::Reply RamDisk::verify(const Command& command) {
  const auto extent = TRY(extent_of(command.cdb));
  const auto check_bytes = bits_at(command.cdb, 1, 1, 2);  // BYTCHK
  if (check_bytes == 0) return good();
  if (check_bytes == 2) return invalid_in_cdb(1, 2);
  const auto have = bytes_of(extent);
  if (check_bytes == 1) {
    if (const auto at = difference(have, command.data_out)) return std::unexpected(miscompare(*at));
    return took(have.size());
  }
  for (std::size_t block = 0; block < extent.blocks; ++block)
    if (const auto at = difference(have.subspan(block * kRamDiskBlock, kRamDiskBlock), command.data_out))
      return std::unexpected(miscompare(*at));
  return took(kRamDiskBlock);
}

RamDisk::Reply RamDisk::write_verify(const Command& command) {
  const auto check_bytes = bits_at(command.cdb, 1, 1, 2);
  if (check_bytes > 1) return invalid_in_cdb(1, 2);
  return write(command);
}

RamDisk::Reply RamDisk::write_same(const Command& command) {
  auto extent = TRY(extent_of(command.cdb));
  if (extent.blocks == 0) extent.blocks = blocks_ - extent.first;
  if (command.data_out.size() < kRamDiskBlock) return took(kRamDiskBlock);
  for (std::uint64_t i = 0; i < extent.blocks; ++i)
    store({extent.first + i, 1}, command.data_out.first(kRamDiskBlock));
  return took(kRamDiskBlock);
}

RamDisk::Reply RamDisk::compare_and_write(const Command& command) {
  const auto extent = TRY(extent_of(command.cdb));
  if (extent.blocks > kMaxCompareBlocks) return invalid_in_cdb(13);
  const auto have = bytes_of(extent);
  // Both halves, no more and no less: a count that does not fit the data must not write by half.
  if (command.data_out.size() != 2 * have.size()) return invalid_in_cdb(13);
  if (const auto at = difference(have, command.data_out)) return std::unexpected(miscompare(*at));
  store(extent, command.data_out.subspan(have.size(), have.size()));
  return took(2 * have.size());
}

RamDisk::Reply RamDisk::or_write(const Command& command) {
  const auto extent = TRY(extent_of(command.cdb));
  const auto to = bytes_of(extent);
  const auto bytes = std::min(to.size(), command.data_out.size() / kRamDiskBlock * kRamDiskBlock);
  for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(to[i] | command.data_out[i]);
  return took(to.size());
}

RamDisk::Reply RamDisk::prefetch(const Command& command) {
  (void)TRY(extent_of(command.cdb));
  return good();
}

RamDisk::Reply RamDisk::synchronize(const Command& command) {
  (void)TRY(extent_of(command.cdb));
  return good();
}

}  // namespace tapewarden::scsi

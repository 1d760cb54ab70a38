#include "engine/cache/sealed_file.h"

#include <algorithm>

#include "base/assert.h"

namespace tapewarden::engine {
namespace {

constexpr std::uint64_t kBlock = crypto::kXtsBlockBytes;
// What one write to the disk below carries at most, and so what a write needs of memory.
constexpr std::size_t kPieceBytes = 64 * kSealedUnitBytes;

constexpr std::uint64_t block_start(std::uint64_t offset) {
  return offset / kBlock * kBlock;
}
constexpr std::uint64_t unit_start(std::uint64_t offset) {
  return offset / kSealedUnitBytes * kSealedUnitBytes;
}

// Bytes of padding at the end of the last block; 0: there is none.
std::size_t padding_of(ByteView block) {
  const std::uint8_t count = block.back();
  if (count == 0 || count > kBlock) return 0;
  const auto padding = block.last(count);
  const bool uniform = std::ranges::all_of(padding, [count](std::uint8_t byte) { return byte == count; });
  return uniform ? count : 0;
}

}  // namespace

SealedFile::SealedFile(std::unique_ptr<File> below, crypto::AesXts cipher)
    : below_(std::move(below)), cipher_(std::move(cipher)) {}

Result<std::unique_ptr<File>> SealedFile::open(std::unique_ptr<File> below, crypto::AesXts cipher) {
  std::unique_ptr<SealedFile> file(new SealedFile(std::move(below), std::move(cipher)));
  {
    const MutexLock lock(file->mutex_);
    TRY(file->find_end());
  }
  return file;
}

Status SealedFile::find_end() {
  const std::uint64_t below = TRY(below_->size());
  const std::uint64_t blocks = below < kSealedHeaderBytes ? 0 : block_start(below - kSealedHeaderBytes);
  size_ = blocks;
  if (blocks == 0) return {};
  std::array<std::uint8_t, kBlock> last;
  TRY(load_blocks(blocks - kBlock, last));
  size_ -= padding_of(last);
  return {};
}

Status SealedFile::load_blocks(std::uint64_t offset, MutableByteView out) {
  TW_ASSERT(offset % kBlock == 0 && out.size() % kBlock == 0);
  while (!out.empty()) {
    const std::size_t lead = offset - unit_start(offset);
    const std::size_t count = std::min(out.size(), kPieceBytes - lead);
    // At a unit's beginning a piece is opened where it goes. Else what stands before it in its unit is not
    // read: each block comes out by itself.
    const auto piece = lead == 0 ? out.first(count) : window(offset, count);
    if (TRY(below_->read_at(kSealedHeaderBytes + offset, piece)) != count)
      return fail(ErrorCode::kIo, "a sealed file became shorter while it was open");
    const auto units = lead == 0 ? piece : scratch_.view().first(lead + count);
    for (std::size_t at = 0; at < units.size(); at += kSealedUnitBytes)
      cipher_.decrypt((offset - lead + at) / kSealedUnitBytes,
                      units.subspan(at, std::min(kSealedUnitBytes, units.size() - at)));
    if (lead != 0) copy_bytes(out, piece);
    offset += count;
    out = out.subspan(count);
  }
  return {};
}

MutableByteView SealedFile::window(std::uint64_t offset, std::size_t count) {
  const std::size_t lead = offset - unit_start(offset);
  scratch_.make_room(lead + count);
  return scratch_.view().subspan(lead, count);
}

Status SealedFile::store_window(std::uint64_t offset, std::size_t count) {
  const std::size_t lead = offset - unit_start(offset);
  TW_ASSERT(offset % kBlock == 0 && count % kBlock == 0);
  const auto units = scratch_.view().first(lead + count);
  for (std::size_t at = 0; at < units.size(); at += kSealedUnitBytes)
    cipher_.encrypt((offset - lead + at) / kSealedUnitBytes,
                    units.subspan(at, std::min(kSealedUnitBytes, units.size() - at)));
  return below_->write_at(kSealedHeaderBytes + offset, units.subspan(lead));
}

Status SealedFile::load(std::uint64_t offset, MutableByteView out) {
  const std::uint64_t first = block_start(offset);
  const std::uint64_t end = block_start(offset + out.size() + kBlock - 1);
  if (first == offset && end == offset + out.size()) return load_blocks(offset, out);
  crypto::WipedBytes blocks(Bytes(end - first));
  TRY(load_blocks(first, blocks.view()));
  copy_bytes(out, blocks.view().subspan(offset - first, out.size()));
  return {};
}

Result<std::size_t> SealedFile::read_at(std::uint64_t offset, MutableByteView out) {
  const MutexLock lock(mutex_);
  if (offset >= size_) return std::size_t{0};
  const auto wanted = out.first(std::min<std::uint64_t>(out.size(), size_ - offset));
  if (!wanted.empty()) TRY(load(offset, wanted));
  return wanted.size();
}

Status SealedFile::put(std::uint64_t offset, ByteView data) {
  TW_ASSERT(offset <= size_ && !data.empty());
  const std::uint64_t end = offset + data.size();
  const std::uint64_t first = block_start(offset);
  // Where the content grows, or its last block changes, the padding goes along.
  const bool at_the_end = end >= block_start(size_);
  const std::uint64_t grown = std::max(end, size_);
  const std::uint64_t last = at_the_end ? block_start(grown) + kBlock : block_start(end + kBlock - 1);
  const std::uint64_t kept = std::min(size_, last);  // of what is there, behind the piece
  std::array<std::uint8_t, kBlock> before, behind;
  const auto head = MutableByteView(before).first(offset - first);
  const auto tail = MutableByteView(behind).first(kept > end ? kept - end : 0);
  if (!head.empty()) TRY(load(first, head));
  if (!tail.empty()) TRY(load(end, tail));
  const auto blocks = window(first, last - first);  // loading is over: it uses the window too
  copy_bytes(blocks, head);
  copy_bytes(blocks.subspan(head.size()), data);
  copy_bytes(blocks.subspan(end - first), tail);
  if (at_the_end) std::ranges::fill(blocks.subspan(grown - first), static_cast<std::uint8_t>(last - grown));
  TRY(store_window(first, blocks.size()));
  size_ = grown;
  return {};
}

Status SealedFile::fill_to(std::uint64_t offset) {
  const Bytes zeros(std::min<std::uint64_t>(kPieceBytes, offset > size_ ? offset - size_ : 0));
  while (size_ < offset)
    TRY(put(size_, ByteView(zeros).first(std::min<std::uint64_t>(zeros.size(), offset - size_))));
  return {};
}

Status SealedFile::write_at(std::uint64_t offset, ByteView data) {
  const MutexLock lock(mutex_);
  if (data.empty()) return {};
  TRY(fill_to(offset));
  while (!data.empty()) {
    // Pieces end with a unit.
    const auto piece =
        data.first(std::min<std::uint64_t>(data.size(), unit_start(offset) + kPieceBytes - offset));
    TRY(put(offset, piece));
    offset += piece.size();
    data = data.subspan(piece.size());
  }
  return {};
}

Result<std::uint64_t> SealedFile::size() {
  const MutexLock lock(mutex_);
  return size_;
}

// The block that the content ends in is padded first and what is behind it cut off then: cut off between the
// two, everything before `size` is there.
Status SealedFile::truncate(std::uint64_t size) {
  const MutexLock lock(mutex_);
  if (size >= size_) return fill_to(size);
  const std::uint64_t last = block_start(size);
  std::array<std::uint8_t, kBlock> block;
  block.fill(static_cast<std::uint8_t>(kBlock - (size - last)));
  if (size > last) TRY(load(last, MutableByteView(block).first(size - last)));
  copy_bytes(window(last, kBlock), block);
  TRY(store_window(last, kBlock));
  TRY(below_->truncate(kSealedHeaderBytes + last + kBlock));
  size_ = size;
  return {};
}

}  // namespace tapewarden::engine

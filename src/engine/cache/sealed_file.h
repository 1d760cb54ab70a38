// One sealed file of the cache over a file of the disk below. Internal to engine/cache/.
//
// Invariants
//  1. The content stands in whole blocks of 16 bytes behind the header; the last block is padded with 1 to
//     16 bytes, each of which tells how many they are (as PKCS #7), so that the length of the content needs
//     no place of its own and grows in the same write as the content.
//  2. A block that holds content is rewritten only as a whole, and lies within one sector of any disk: a
//     write that is cut off leaves each block old or new. So it harms no byte that it was not to change.
//  3. A last block without padding is one that a cut-off write left: then every byte of it counts as content.
#pragma once

#include <memory>

#include "base/env.h"
#include "base/thread_annotations.h"
#include "crypto/wiped_bytes.h"
#include "engine/cache/sealed_header.h"

namespace tapewarden::engine {

// Bytes of content that make one XTS data unit.
inline constexpr std::size_t kSealedUnitBytes = 16'384;

// Thread-safe as File is, reads and writes also side by side.
class SealedFile final : public File {
 public:
  // Takes over an open file whose header was checked. kIo.
  static Result<std::unique_ptr<File>> open(std::unique_ptr<File> below, crypto::AesXts cipher);

  Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override TW_EXCLUDES(mutex_);
  Status write_at(std::uint64_t offset, ByteView data) override TW_EXCLUDES(mutex_);
  Result<std::uint64_t> size() override TW_EXCLUDES(mutex_);
  Status truncate(std::uint64_t size) override TW_EXCLUDES(mutex_);
  Status sync() override { return below_->sync(); }

 private:
  SealedFile(std::unique_ptr<File> below, crypto::AesXts cipher);
  Status find_end() TW_REQUIRES(mutex_);
  // Reads the content from `offset` on, which is there.
  Status load(std::uint64_t offset, MutableByteView out) TW_REQUIRES(mutex_);
  // Whole blocks at a block's beginning.
  Status load_blocks(std::uint64_t offset, MutableByteView out) TW_REQUIRES(mutex_);
  // Where blocks are put together that go to `offset`, in the scratch: until it is next asked for, or blocks
  // are loaded that begin within a unit.
  MutableByteView window(std::uint64_t offset, std::size_t count) TW_REQUIRES(mutex_);
  // Seals the window of the same offset and length, and writes it.
  Status store_window(std::uint64_t offset, std::size_t count) TW_REQUIRES(mutex_);
  // Writes a piece that begins within the content or at its end.
  Status put(std::uint64_t offset, ByteView data) TW_REQUIRES(mutex_);
  Status fill_to(std::uint64_t offset) TW_REQUIRES(mutex_);

  const std::unique_ptr<File> below_;
  Mutex mutex_;
  crypto::AesXts cipher_ TW_GUARDED_BY(mutex_);
  crypto::WipedBytes scratch_ TW_GUARDED_BY(mutex_);
  std::uint64_t size_ TW_GUARDED_BY(mutex_) = 0;  // of the content
};

}  // namespace tapewarden::engine

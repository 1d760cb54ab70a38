// Writes one image after another as tape files: header, data blocks, trailer, filemark. Not thread-safe; the
// sink outlives it.
//
// Invariants
//  1. Each data block is kStackBlockBytes long but the last of its image.
//  2. A trailer that is not void stands behind exactly the bytes that the header told. Its hash is of the
//     bytes that were taken, or the one that the caller answers for: an image that comes from another
//     cartridge brings the hash that was made of it when it was new.
//  3. After an error of the sink, and after early warning met an image that was not whole, the image is only
//     abandoned: where it stands is written over by what comes next.
//
//   Idle --begin()--> Open --finish()--> Idle
//   Open --abandon()--> Idle
#pragma once

#include <optional>

#include "crypto/concurrent_hash.h"
#include "crypto/wiped_bytes.h"
#include "engine/stack/stack_format.h"

namespace tapewarden::engine {

enum class SinkRoom : std::uint8_t { kEnough, kEarlyWarning };

// Where blocks go: a tape from its position on.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  // kExhausted when the medium is full and the block is not on it.
  virtual Result<SinkRoom> write_block(ByteView block) = 0;
  // When this returns the filemark and everything before it are on stable storage.
  virtual Result<SinkRoom> write_filemark() = 0;
};

enum class ImageFit : std::uint8_t {
  kFits,
  // The end is near or reached, and the image is not whole: abandon it, and write it anew on the next
  // cartridge.
  kCartridgeFull,
};

class StackWriter {
 public:
  explicit StackWriter(BlockSink& sink) : sink_(sink) {}

  // Label and filemark. REQUIRES: nothing is open, label.check(). Errors of the sink.
  Status write_label(const CartridgeLabel& label);

  // Who makes the hash in the trailer.
  enum class Hash : std::uint8_t { kWriter, kCaller };
  // REQUIRES: nothing is open, header.check(). Errors of the sink.
  Result<ImageFit> begin(ImageHeader header, Hash by = Hash::kWriter);
  // Bytes of the image in any lengths. kInvalidArgument when they are more than the header told: nothing of
  // them is written. REQUIRES: an image is open.
  Result<ImageFit> append(ByteView data);
  // What the trailer says beside what the writer knows.
  struct Ending {
    bool is_void = false;
    std::vector<Tombstone> tombstones{};
    std::optional<Hash256> sha256{};  // REQUIRES: there when begin() was told so, and only then
  };
  // Trailer and filemark; whole on stable storage unless it says kCartridgeFull. kInvalidArgument when bytes
  // of the image are missing and it is not ended as void: it stays open. A catalogue backup is written
  // through early warning: room is kept for it.
  Result<ImageFit> finish(Ending ending);
  void abandon() { header_.reset(); }

  bool open() const { return header_.has_value(); }
  // REQUIRES: an image is open.
  ImageKind kind() const { return header_->identity.kind; }
  // Of the last image that finish() ended.
  const ImageTrailer& trailer() const { return trailer_; }
  // Blocks and bytes on tape of the image that is open, or was last, its header and trailer included.
  std::uint64_t blocks_written() const { return blocks_; }
  std::uint64_t bytes_written() const { return bytes_; }
  // The sink has said that the end is near.
  bool early_warning() const { return early_warning_; }

 private:
  Result<ImageFit> take(ByteView data);
  Result<ImageFit> put(ByteView block);
  Result<ImageFit> put_data(ByteView block);
  Result<ImageFit> flush();
  ImageFit fit_now() const;

  BlockSink& sink_;
  std::optional<ImageHeader> header_;
  ImageTrailer trailer_{};
  crypto::WipedBytes buffer_;  // of the bytes that are no whole block yet, the first
  std::size_t waiting_ = 0;    // are there
  crypto::ConcurrentSha256 hash_;
  Hash hashed_by_ = Hash::kWriter;
  std::uint64_t taken_ = 0;    // of the image's bytes, and
  std::uint64_t written_ = 0;  // of those the ones that are in blocks on the tape
  std::uint64_t blocks_ = 0;
  std::uint64_t bytes_ = 0;
  bool early_warning_ = false;
};

}  // namespace tapewarden::engine

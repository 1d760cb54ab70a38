// Reads an image that a StackWriter wrote, and believes nothing before its trailer: bytes come out block by
// block, and whether they are the image is known only when next() has said that there are no more. Not
// thread-safe; the source outlives it.
//
// What it holds and gives is data of hosts in the clear: it is wiped when it goes.
//
// Which block is the trailer is told by the filemark behind it, not by its content: data may look like one.
#pragma once

#include <optional>

#include "crypto/concurrent_hash.h"
#include "crypto/wiped_bytes.h"
#include "engine/stack/stack_format.h"

namespace tapewarden::engine {

struct SourceBlock {
  enum class Kind : std::uint8_t { kBlock, kFilemark, kEndOfData };
  Kind kind = Kind::kEndOfData;
  crypto::WipedBytes data{};  // of a block, never longer than kStackBlockBytes
};

class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // kCorrupt when the medium cannot be read, or a block is longer than kStackBlockBytes.
  virtual Result<SourceBlock> read_block() = 0;
};

// Tape file 0 up to its filemark. kInvalidArgument when the cartridge is blank or holds something else;
// kCorrupt, kUnsupported.
Result<CartridgeLabel> read_label(BlockSource& source);

class StackReader {
 public:
  explicit StackReader(BlockSource& source) : source_(source) {}

  // The header at the source's position. kInvalidArgument when something else stands there.
  Result<ImageHeader> begin();
  // The next bytes of the image; nothing when all have come and length and hash are those of the trailer.
  // kConflict when the trailer says that the image is void; kCorrupt when it is not whole or not what was
  // written. They stay until the next call. REQUIRES: begin() gave a header, and next() neither an error nor
  // nothing.
  Result<std::optional<ByteView>> next();

  // That begin() gave last.
  const ImageHeader& header() const { return header_; }
  // REQUIRES: next() has given nothing.
  const ImageTrailer& trailer() const { return trailer_; }

 private:
  Status check_end(ByteView last);
  void hash_given();

  BlockSource& source_;
  ImageHeader header_{};
  ImageTrailer trailer_{};
  std::optional<crypto::WipedBytes> held_;      // the block read last: data, or the trailer
  std::vector<crypto::WipedBytes> unhashed_{};  // blocks that were given, the last one last
  std::vector<crypto::WipedBytes> hashing_{};   // those that hash_ looks at; it goes before they do
  crypto::ConcurrentSha256 hash_;
  std::uint64_t given_ = 0;
  bool short_block_ = false;  // no data block may follow one that is not full
};

}  // namespace tapewarden::engine

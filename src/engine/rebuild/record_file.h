// A file of records in compressed chunks (docs/formats/catalogue-backup.md): a backup of the catalogue, or
// what was found on one cartridge. Written and read as a stream, one chunk at a time in memory. Not
// thread-safe; the disk outlives it.
//
// Invariants
//  1. A reader gives a record only of a chunk whose checksum fits.
//  2. A file is whole when its end tells the number of records and the hash of everything before; a reader
//     says so only after it has compared both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "crypto/hash.h"

namespace tapewarden::engine {

inline constexpr std::size_t kRecordFileMagicBytes = 8;
inline constexpr std::uint16_t kRecordMustBeKnown = 0x8000;

struct Record {
  std::uint16_t kind = 0;
  Bytes body;
  friend bool operator==(const Record&, const Record&) = default;
};

// What stands between header and end. Pure.
struct PackedChunk {
  std::uint32_t plain_bytes = 0;
  ByteView packed;
};
// The records of one chunk with its lengths and checksum. REQUIRES: 0 < plain.size() <= kMaxChunkBytes.
Bytes pack_chunk(ByteView plain);
// kCorrupt unless it unpacks to exactly the length that it tells.
Result<Bytes> unpack_chunk(const PackedChunk& chunk);
// The next record of a chunk. kCorrupt.
Result<Record> next_record(ByteReader& chunk);

class RecordFileWriter {
 public:
  // Makes the file, or begins it anew. REQUIRES: magic.size() == kRecordFileMagicBytes, and the fields are no
  // more than kMaxHeaderFieldBytes. kIo, kExhausted, as every function.
  static Result<RecordFileWriter> create(Disk& disk, const std::string& path, std::string_view magic,
                                         ByteView header_fields);
  // REQUIRES: body.size() <= kMaxRecordBytes.
  Status append(std::uint16_t kind, ByteView body);
  // The file is whole and on stable storage when this returns.
  Status finish();

  std::uint64_t records() const { return records_; }
  std::uint64_t bytes() const { return at_; }

 private:
  explicit RecordFileWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Status put(ByteView bytes);
  Status flush();

  std::unique_ptr<File> file_;
  crypto::Sha256 hash_;
  ByteWriter chunk_;
  std::uint64_t at_ = 0;
  std::uint64_t records_ = 0;
};

class RecordFileReader {
 public:
  // kInvalidArgument when it is no file of this magic; kUnsupported for a later version; kCorrupt; kIo.
  static Result<RecordFileReader> open(Disk& disk, const std::string& path, std::string_view magic);

  ByteView header_fields() const { return header_; }
  // Nothing when all have come and the file is whole. Kinds that the caller does not know he skips, unless
  // they are kRecordMustBeKnown or above.
  Result<std::optional<Record>> next();

 private:
  explicit RecordFileReader(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<Bytes> take(std::size_t count);
  Status read_header(std::string_view magic);
  // False: that was the end.
  Result<bool> read_chunk();
  Status read_end();

  std::unique_ptr<File> file_;
  crypto::Sha256 hash_;
  Bytes header_;
  Bytes chunk_;
  std::size_t chunk_at_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace tapewarden::engine

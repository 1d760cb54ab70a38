#include "engine/rebuild/record_file.h"

#include <zstd.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "engine/rebuild/limits.h"

namespace tapewarden::engine {
namespace {

constexpr std::size_t kSumBytes = 4;

std::unexpected<Error> damaged(std::string what) {
  return fail(ErrorCode::kCorrupt, "the file of records is damaged: " + std::move(what), "file",
              "use another one");
}

std::size_t most_packed(std::size_t plain) {
  return ZSTD_compressBound(plain);
}

}  // namespace

Bytes pack_chunk(ByteView plain) {
  TW_ASSERT(!plain.empty() && plain.size() <= kMaxChunkBytes);
  Bytes packed(most_packed(plain.size()));
  const auto size =
      ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kBackupCompressionLevel);
  TW_ASSERT(ZSTD_isError(size) == 0);
  packed.resize(size);
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(plain.size())).bytes32(packed);
  out.u32(crc32c(out.view()));
  return out.take();
}

Result<Bytes> unpack_chunk(const PackedChunk& chunk) {
  if (chunk.plain_bytes == 0 || chunk.plain_bytes > kMaxChunkBytes) return damaged("a chunk's length");
  Bytes plain(chunk.plain_bytes);
  const auto size = ZSTD_decompress(plain.data(), plain.size(), chunk.packed.data(), chunk.packed.size());
  if (ZSTD_isError(size) != 0 || size != plain.size()) return damaged("a chunk does not unpack");
  return plain;
}

Result<Record> next_record(ByteReader& chunk) {
  Record record;
  record.kind = TRY(chunk.u16("kind of record"));
  record.body = to_bytes(TRY(chunk.bytes32(kMaxRecordBytes, "record")));
  return record;
}

Result<RecordFileWriter> RecordFileWriter::create(Disk& disk, const std::string& path, std::string_view magic,
                                                  ByteView header_fields) {
  TW_ASSERT(magic.size() == kRecordFileMagicBytes && header_fields.size() <= kMaxHeaderFieldBytes);
  RecordFileWriter writer(TRY(disk.open(path, OpenMode::kCreate)));
  TRY(writer.file_->truncate(0));
  ByteWriter header;
  header.text(magic).u16(kRecordFileVersion).bytes32(header_fields);
  header.u32(crc32c(header.view()));
  TRY(writer.put(header.view()));
  return writer;
}

Status RecordFileWriter::put(ByteView bytes) {
  TRY(file_->write_at(at_, bytes));
  hash_.update(bytes);
  at_ += bytes.size();
  return {};
}

Status RecordFileWriter::append(std::uint16_t kind, ByteView body) {
  TW_ASSERT(body.size() <= kMaxRecordBytes);
  if (chunk_.size() > 0 && chunk_.size() + body.size() > kChunkBytes) TRY(flush());
  chunk_.u16(kind).bytes32(body);
  ++records_;
  return {};
}

Status RecordFileWriter::flush() {
  const auto plain = std::exchange(chunk_, {}).take();
  return plain.empty() ? Status() : put(pack_chunk(plain));
}

Status RecordFileWriter::finish() {
  TRY(flush());
  ByteWriter end;
  end.u32(0).u64(records_);
  TRY(put(end.view()));
  TRY(put(hash_.finish()));
  return file_->sync();
}

Result<RecordFileReader> RecordFileReader::open(Disk& disk, const std::string& path, std::string_view magic) {
  TW_ASSERT(magic.size() == kRecordFileMagicBytes);
  RecordFileReader reader(TRY(disk.open(path, OpenMode::kRead)));
  TRY(reader.read_header(magic));
  return reader;
}

Result<Bytes> RecordFileReader::take(std::size_t count) {
  Bytes out(count);
  if (TRY(file_->read_at(at_, out)) != count) return damaged("it is cut off");
  at_ += count;
  return out;
}

Status RecordFileReader::read_header(std::string_view magic) {
  constexpr std::size_t kHeadBytes = kRecordFileMagicBytes + 2 + 4;
  Bytes head(kHeadBytes);
  const auto got = TRY(file_->read_at(0, head));
  if (got < kHeadBytes || !equal(ByteView(head).first(magic.size()), as_bytes(magic)))
    return fail(ErrorCode::kInvalidArgument, "this is no such file of records", "file");
  at_ = kHeadBytes;
  ByteReader in(ByteView(head).subspan(magic.size()));
  const auto version = TRY(in.u16("version"));
  if (version > kRecordFileVersion)
    return fail(ErrorCode::kUnsupported, "a newer program wrote this file of records", "version",
                "use a newer program");
  const auto length = TRY(in.u32("length of the header"));
  if (version == 0 || length > kMaxHeaderFieldBytes) return damaged("its header");
  header_ = TRY(take(length));
  const auto sum = TRY(take(kSumBytes));
  if (TRY(ByteReader(sum).u32("checksum")) != crc32c(header_, crc32c(head)))
    return damaged("its header does not fit its checksum");
  hash_.update(head);
  hash_.update(header_);
  hash_.update(sum);
  return {};
}

Result<bool> RecordFileReader::read_chunk() {
  const auto plain_bytes = TRY(take(4));
  hash_.update(plain_bytes);
  const auto plain = TRY(ByteReader(plain_bytes).u32("length"));
  if (plain == 0) {
    TRY(read_end());
    return false;
  }
  if (plain > kMaxChunkBytes) return damaged("a chunk's length");
  const auto packed_bytes = TRY(take(4));
  const auto packed_length = TRY(ByteReader(packed_bytes).u32("length"));
  if (packed_length > most_packed(plain)) return damaged("a chunk's length");
  const auto packed = TRY(take(packed_length));
  const auto sum = TRY(take(kSumBytes));
  if (TRY(ByteReader(sum).u32("checksum")) != crc32c(packed, crc32c(packed_bytes, crc32c(plain_bytes))))
    return damaged("a chunk does not fit its checksum");
  for (const auto* part : {&packed_bytes, &packed, &sum}) hash_.update(*part);
  chunk_ = TRY(unpack_chunk({plain, packed}));
  chunk_at_ = 0;
  return true;
}

Status RecordFileReader::read_end() {
  const auto count = TRY(take(8));
  hash_.update(count);
  const auto hash = TRY(take(Hash256().size()));
  if (TRY(ByteReader(count).u64("records")) != records_) return damaged("records are missing");
  if (!equal(hash_.finish(), hash)) return damaged("it does not fit its hash");
  if (TRY(file_->size()) != at_) return damaged("something stands behind its end");
  return {};
}

Result<std::optional<Record>> RecordFileReader::next() {
  if (chunk_at_ == chunk_.size() && !TRY(read_chunk())) return std::nullopt;
  ByteReader in(ByteView(chunk_).subspan(chunk_at_));
  auto record = TRY(next_record(in));
  chunk_at_ += in.position();
  ++records_;
  return record;
}

}  // namespace tapewarden::engine

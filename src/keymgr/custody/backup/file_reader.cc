#include "keymgr/custody/backup/file_reader.h"

#include <algorithm>

#include "base/assert.h"
#include "keymgr/custody/backup/chunk.h"

namespace tapewarden::keymgr::backup {

namespace {
constexpr std::size_t kPiece = 1U << 20;
constexpr std::size_t kFrameBytes = 4;
}  // namespace

std::unexpected<Error> FileReader::damaged(std::string_view what) const {
  return fail(ErrorCode::kCorrupt, path_ + " was changed or cut: " + std::string(what), "backup file",
              "use another copy of the file, or the backup before it");
}

Result<Bytes> FileReader::take(std::uint64_t offset, std::size_t count, std::string_view what) {
  if (offset > size_ || count > size_ - offset) return damaged(std::string(what) + " is cut short");
  Bytes out(count);
  if (TRY(file_->read_at(offset, out)) != count) return damaged(std::string(what) + " is cut short");
  return out;
}

Result<std::unique_ptr<FileReader>> FileReader::open(Disk& disk, const std::string& path) {
  auto file = TRY(disk.open(path, OpenMode::kRead));
  std::unique_ptr<FileReader> reader(new FileReader(std::move(file), path));
  TRY(reader->read_header());
  return reader;
}

Status FileReader::read_header() {
  size_ = TRY(file_->size());
  const Bytes start = TRY(take(0, kHeaderStart, "the header"));
  auto size = header_size(start);
  if (!size) return in_context(path_, std::move(size.error()));
  header_bytes_ = *size;
  const Bytes encoded = TRY(take(0, header_bytes_, "the header"));
  auto header = decode_header(encoded);
  if (!header) return in_context(path_, std::move(header.error()));
  header_ = std::move(*header);
  header_digest_ = crypto::sha256(encoded);
  return {};
}

Result<crypto::Certificate> FileReader::signer() const {
  auto certificate = crypto::Certificate::from_der(header_.signer);
  if (!certificate) return damaged("its signing certificate does not parse");
  return certificate;
}

// Chunks say their own length, so the signature is found by going from one to the next.
Status FileReader::find_signature() {
  std::uint64_t at = header_bytes_;
  while (true) {
    const Bytes head = TRY(take(at, kFrameBytes, "a chunk"));
    const std::uint32_t frame = TRY(ByteReader(head).u32("frame"));
    const std::uint32_t length = frame & ~kFinalChunk;
    const bool final = (frame & kFinalChunk) != 0;
    if (length > kChunkBytes || (!final && length != kChunkBytes))
      return damaged("a chunk has a wrong length");
    at += kFrameBytes + length + crypto::kGcmTagBytes;
    if (at > size_) return damaged("a chunk is cut short");
    if (final) break;
  }
  content_end_ = at;
  return {};
}

Result<Hash256> FileReader::check_signature() {
  TRY(find_signature());
  const std::uint64_t rest = size_ - content_end_;
  if (rest > kSignatureLimit) return damaged("something follows its signature");
  const Bytes end = TRY(take(content_end_, static_cast<std::size_t>(rest), "the signature"));
  ByteReader reader(end);
  const auto signature = reader.bytes16(kSignatureLimit, "signature");
  if (!signature || !reader.done()) return damaged("the signature is cut short");

  crypto::Sha256 before;
  crypto::Sha256 whole;
  Bytes buffer(kPiece);
  for (std::uint64_t at = 0; at < size_;) {
    const std::size_t got = TRY(file_->read_at(at, buffer));
    if (got == 0) return damaged("it became shorter while it was read");
    const auto part = ByteView(buffer).first(std::min<std::uint64_t>(got, size_ - at));
    whole.update(part);
    if (at < content_end_) before.update(part.first(std::min<std::uint64_t>(part.size(), content_end_ - at)));
    at += part.size();
  }
  digest_ = before.finish();
  const auto key = TRY(signer()).public_key();
  if (!key || !key->verify(signed_message(digest_), *signature)) return damaged("its signature does not fit");
  return whole.finish();
}

Status FileReader::unlock(const crypto::SecretBytes& file_key) {
  TW_ASSERT(content_end_ != 0);
  keys_.emplace(derive_file_keys(file_key, header_digest_));
  hash_.update(TRY(take(0, header_bytes_, "the header")));
  offset_ = header_bytes_;
  return {};
}

Status FileReader::next_chunk() {
  if (final_seen_) return damaged("its content ends too early");
  const Bytes head = TRY(take(offset_, kFrameBytes, "a chunk"));
  const std::uint32_t frame = TRY(ByteReader(head).u32("frame"));
  const std::uint32_t length = frame & ~kFinalChunk;
  final_seen_ = (frame & kFinalChunk) != 0;
  if (length > kChunkBytes) return damaged("a chunk has a wrong length");
  const Bytes sealed = TRY(take(offset_ + kFrameBytes, length + crypto::kGcmTagBytes, "a chunk"));
  hash_.update(head);
  hash_.update(sealed);
  offset_ += head.size() + sealed.size();
  // What is left of the chunk before stays in front.
  plain_.erase(plain_.begin(), plain_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  const std::size_t kept = plain_.size();
  plain_.resize(kept + length);
  crypto::GcmTag tag;
  copy_bytes(tag, ByteView(sealed).last(tag.size()));
  const Status opened =
      keys_->chunks.open(chunk_iv(chunk_++, final_seen_), chunk_associated(header_digest_, frame),
                         ByteView(sealed).first(length), tag, MutableByteView(plain_).subspan(kept));
  if (opened) return {};
  plain_.resize(kept);
  return fail(ErrorCode::kWrongKey, path_ + ": a chunk does not open with this file key", "backup file",
              "the file is the one that was signed, so its sealed key opened to another key: use another "
              "secret, or another copy of the file");
}

Result<ByteView> FileReader::read(std::size_t count) {
  TW_ASSERT(keys_.has_value());
  if (count > kRecordLimit) return damaged("a record of its content is too long");
  while (plain_.size() - used_ < count) TRY(next_chunk());
  const ByteView out = ByteView(plain_).subspan(used_, count);
  used_ += count;
  return out;
}

bool FileReader::at_end() {
  return final_seen_ && used_ == plain_.size();
}

Status FileReader::finish() {
  if (!at_end()) return damaged("something follows the end of its content");
  if (offset_ == content_end_ && hash_.finish() == digest_) return {};
  return damaged("it changed while it was read");
}

}  // namespace tapewarden::keymgr::backup

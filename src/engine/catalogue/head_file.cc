#include "engine/catalogue/head_file.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "crypto/hash.h"

namespace tapewarden::engine {

namespace {

constexpr std::string_view kMagic = "TWHEADS1";
// A place of its own for each mark, so that a write that is cut off spoils no other one.
constexpr std::size_t kPlaceBytes = 512;
constexpr std::size_t kPlaces = 8;
constexpr std::size_t kFileBytes = kPlaceBytes * (kPlaces + 1);
constexpr std::size_t kEntryBytes = 8 + 8 + 32 + 32;

Bytes padded(ByteWriter& out) {
  TW_ASSERT(out.size() <= kPlaceBytes);
  out.zeros(kPlaceBytes - out.size());
  return out.take();
}

Bytes blank_file() {
  ByteWriter header;
  header.text(kMagic).u16(kPlaces);
  header.u32(crc32c(header.view()));
  Bytes out = padded(header);
  out.resize(kFileBytes);
  return out;
}

Bytes encode_entry(const HeadFile::Entry& entry) {
  ByteWriter out;
  out.u64(entry.number).u64(entry.mark.sequence).bytes(entry.mark.head).bytes(entry.chain);
  TW_ASSERT(out.size() == kEntryBytes);
  out.u32(crc32c(out.view()));
  return padded(out);
}

// kCorrupt: never written, or cut off.
Result<HeadFile::Entry> decode_entry(ByteView place) {
  ByteReader in(place);
  HeadFile::Entry entry;
  entry.number = TRY(in.u64("number"));
  entry.mark.sequence = TRY(in.u64("sequence"));
  entry.mark.head = TRY(in.array<32>("head"));
  entry.chain = TRY(in.array<32>("chain"));
  if (TRY(in.u32("checksum")) != crc32c(place.first(kEntryBytes)) || entry.number == 0)
    return fail(ErrorCode::kCorrupt, "no mark stands here");
  return entry;
}

// Every place was written once or is blank, but for the one that a crash may have cut off.
Result<HeadFile::Entry> newest_of(ByteView content, const std::string& path) {
  const ByteView header = content.first(kPlaceBytes);
  if (!equal(header, ByteView(blank_file()).first(kPlaceBytes)))
    return fail(ErrorCode::kCorrupt, path + " is no record of the catalogue's commits", "commits",
                "put it back together with the catalogue");
  HeadFile::Entry newest;
  for (std::size_t i = 1; i <= kPlaces; ++i) {
    const auto entry = decode_entry(content.subspan(i * kPlaceBytes, kPlaceBytes));
    if (entry && entry->number > newest.number) newest = *entry;
  }
  return newest;
}

// Each append changes it, and what it was before goes into it.
Hash256 next_chain(const Hash256& before, const store::CommitMark& mark,
                   std::span<const std::string> records) {
  ByteWriter out;
  out.bytes(before).u64(mark.sequence).bytes(mark.head);
  for (const std::string& record : records) out.bytes(crypto::sha256(as_bytes(record)));
  return crypto::sha256(out.view());
}

}  // namespace

Result<std::unique_ptr<HeadFile>> HeadFile::open(Disk& disk, const std::string& path) {
  if (!disk.exists(path)) TRY(write_file_atomically(disk, path, blank_file()));
  auto file = TRY(disk.open(path, OpenMode::kReadWrite));
  Bytes content(kFileBytes);
  if (TRY(file->size()) != kFileBytes || TRY(file->read_at(0, content)) != kFileBytes)
    return fail(ErrorCode::kCorrupt, path + " was cut short or grew", "commits",
                "put it back together with the catalogue");
  const Entry newest = TRY(newest_of(content, path));
  return std::unique_ptr<HeadFile>(new HeadFile(std::move(file), newest));
}

Status HeadFile::ready() const {
  if (!stopped_) return {};
  return fail(ErrorCode::kUnavailable, "the record of the catalogue's commits could not be written", {},
              "look after the disk, then start the engine again");
}

Status HeadFile::append(const store::CommitMark& mark, std::span<const std::string> records) {
  TRY(ready());
  const Entry next{newest_.number + 1, mark, next_chain(newest_.chain, mark, records)};
  const std::uint64_t place = 1 + next.number % kPlaces;
  stopped_ = true;
  TRY(file_->write_at(place * kPlaceBytes, encode_entry(next)));
  TRY(file_->sync());
  stopped_ = false;
  newest_ = next;
  return {};
}

std::optional<store::CommitMark> HeadFile::last_mark() const {
  if (newest_.mark.sequence == 0) return std::nullopt;
  return newest_.mark;
}

}  // namespace tapewarden::engine

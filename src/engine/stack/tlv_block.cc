#include "engine/stack/tlv_block.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/text.h"
#include "engine/stack/limits.h"

namespace tapewarden::engine {
namespace {

constexpr std::size_t kLengthAt = kMagicBytes + 2;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kLeastBytes = kLengthAt + 4 + kChecksumBytes;

std::unexpected<Error> damaged(std::string message, std::string_view what) {
  return fail(ErrorCode::kCorrupt, std::move(message), std::string(what));
}

Status check_sum(ByteView block) {
  ByteReader in(block.last(kChecksumBytes));
  if (TRY(in.u32("checksum")) != crc32c(block.first(block.size() - kChecksumBytes)))
    return damaged("a block of the cartridge does not fit its checksum", "checksum");
  return {};
}

}  // namespace

TlvWriter::TlvWriter(std::string_view magic) {
  TW_ASSERT(magic.size() == kMagicBytes);
  out_.text(magic).u16(kStackVersion).u32(0);
}

TlvWriter& TlvWriter::u8(std::uint16_t tag, std::uint8_t value) {
  out_.u16(tag).u32(1).u8(value);
  return *this;
}

TlvWriter& TlvWriter::u32(std::uint16_t tag, std::uint32_t value) {
  out_.u16(tag).u32(4).u32(value);
  return *this;
}

TlvWriter& TlvWriter::u64(std::uint16_t tag, std::uint64_t value) {
  out_.u16(tag).u32(8).u64(value);
  return *this;
}

TlvWriter& TlvWriter::bytes(std::uint16_t tag, ByteView value) {
  out_.u16(tag).bytes32(value);
  return *this;
}

TlvWriter& TlvWriter::time(std::uint16_t tag, WallTime value) {
  return u64(tag, static_cast<std::uint64_t>(to_millis(value)));
}

Bytes TlvWriter::finish() {
  const auto size = out_.size() + kChecksumBytes;
  TW_ASSERT(size <= kStackBlockBytes);
  out_.patch_u32(kLengthAt, static_cast<std::uint32_t>(size));
  out_.u32(crc32c(out_.view()));
  return out_.take();
}

Result<TlvReader> TlvReader::parse(ByteView block, std::string_view magic) {
  if (block.size() < kLeastBytes || as_text(block.first(kMagicBytes)) != magic)
    return fail(ErrorCode::kInvalidArgument, "the block is none of " + std::string(magic), "magic");
  if (block.size() > kStackBlockBytes) return damaged("the block is too long", "length");
  TRY(check_sum(block));
  ByteReader in(block.first(block.size() - kChecksumBytes));
  TRY(in.skip(kMagicBytes, "magic"));
  if (const auto version = TRY(in.u16("version")); version != kStackVersion)
    return fail(ErrorCode::kUnsupported, "version " + std::to_string(version) + " of the cartridge's format",
                "version", "read the cartridge with the program that wrote it, or a later one");
  if (TRY(in.u32("length")) != block.size())
    return damaged("the block has another length than it says", "length");
  TlvReader reader;
  while (!in.done()) {
    const auto tag = TRY(in.u16("tag"));
    reader.fields_.push_back({tag, TRY(in.bytes32(kStackBlockBytes, "field"))});
  }
  return reader;
}

Result<ByteView> TlvReader::bytes(std::uint16_t tag, std::string_view what) {
  const auto found = all(tag);
  if (found.size() != 1)
    return damaged(found.empty() ? "a field is missing" : "a field stands there twice", what);
  return found.front();
}

Result<std::uint8_t> TlvReader::u8(std::uint16_t tag, std::string_view what) {
  ByteReader in(TRY(bytes(tag, what)));
  const auto value = TRY(in.u8(what));
  TRY(in.expect_done(what));
  return value;
}

Result<std::uint32_t> TlvReader::u32(std::uint16_t tag, std::string_view what) {
  ByteReader in(TRY(bytes(tag, what)));
  const auto value = TRY(in.u32(what));
  TRY(in.expect_done(what));
  return value;
}

Result<std::uint64_t> TlvReader::u64(std::uint16_t tag, std::string_view what) {
  ByteReader in(TRY(bytes(tag, what)));
  const auto value = TRY(in.u64(what));
  TRY(in.expect_done(what));
  return value;
}

Result<std::string> TlvReader::text(std::uint16_t tag, std::size_t limit, std::string_view what) {
  return stack_text(TRY(bytes(tag, what)), limit, what);
}

Result<Uuid> TlvReader::uuid(std::uint16_t tag, std::string_view what) {
  const auto value = TRY(bytes(tag, what));
  if (value.size() != Uuid{}.bytes.size()) return damaged("an identifier has another length", what);
  return Uuid::from(value);
}

Result<WallTime> TlvReader::time(std::uint16_t tag, std::string_view what) {
  return from_millis(static_cast<std::int64_t>(TRY(u64(tag, what))));
}

std::vector<ByteView> TlvReader::all(std::uint16_t tag) {
  std::vector<ByteView> found;
  for (auto& field : fields_) {
    if (field.tag != tag) continue;
    field.known = true;
    found.push_back(field.value);
  }
  return found;
}

Status TlvReader::finish() const {
  for (const auto& field : fields_)
    if (!field.known && (field.tag & kMustBeKnown) != 0)
      return fail(ErrorCode::kUnsupported, "field " + std::to_string(field.tag) + " must be understood",
                  "tag", "read the cartridge with the program that wrote it, or a later one");
  return {};
}

Result<std::string> stack_text(ByteView value, std::size_t limit, std::string_view what) {
  if (value.size() > limit) return damaged("a text is too long", what);
  if (!is_printable(as_text(value))) return damaged("a text is not printable", what);
  return std::string(as_text(value));
}

}  // namespace tapewarden::engine

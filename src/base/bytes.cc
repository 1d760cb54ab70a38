#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.h"

namespace tapewarden {

bool equal(ByteView a, ByteView b) {
  return std::ranges::equal(a, b);
}

void copy_bytes(MutableByteView to, ByteView from) {
  TW_ASSERT(to.size() >= from.size());
  if (!from.empty()) std::memmove(to.data(), from.data(), from.size());
}

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

namespace {
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

Result<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return fail(ErrorCode::kInvalidArgument, "hex text has an odd number of digits");
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0)
      return fail(ErrorCode::kInvalidArgument, "hex text has a character that is no hex digit");
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

template <typename T>
Result<T> ByteReader::integer(std::size_t width, std::string_view what) {
  const auto view = TRY(bytes(width, what));
  std::uint64_t value = 0;
  for (const std::uint8_t byte : view) value = value << 8 | byte;
  return static_cast<T>(value);
}

Result<std::uint8_t> ByteReader::u8(std::string_view what) {
  return integer<std::uint8_t>(1, what);
}
Result<std::uint16_t> ByteReader::u16(std::string_view what) {
  return integer<std::uint16_t>(2, what);
}
Result<std::uint32_t> ByteReader::u24(std::string_view what) {
  return integer<std::uint32_t>(3, what);
}
Result<std::uint32_t> ByteReader::u32(std::string_view what) {
  return integer<std::uint32_t>(4, what);
}
Result<std::uint64_t> ByteReader::u64(std::string_view what) {
  return integer<std::uint64_t>(8, what);
}

Result<ByteView> ByteReader::bytes(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    return fail(ErrorCode::kCorrupt, "input ends within " + std::string(what), std::string(what));
  }
  const ByteView out = view_.subspan(position_, count);
  position_ += count;
  return out;
}

Result<ByteView> ByteReader::bytes16(std::size_t limit, std::string_view what) {
  const std::size_t length = TRY(u16(what));
  if (length > limit) return fail(ErrorCode::kCorrupt, std::string(what) + " is too long", std::string(what));
  return bytes(length, what);
}

Result<ByteView> ByteReader::bytes32(std::size_t limit, std::string_view what) {
  const std::size_t length = TRY(u32(what));
  if (length > limit) return fail(ErrorCode::kCorrupt, std::string(what) + " is too long", std::string(what));
  return bytes(length, what);
}

ByteView ByteReader::rest() {
  const ByteView out = view_.subspan(position_);
  position_ = view_.size();
  return out;
}

Status ByteReader::skip(std::size_t count, std::string_view what) {
  TRY(bytes(count, what));
  return {};
}

Status ByteReader::expect_done(std::string_view what) const {
  if (!done())
    return fail(ErrorCode::kCorrupt, "bytes left over after " + std::string(what), std::string(what));
  return {};
}

namespace {

// A buffer that grew from one byte would be moved six times before it holds what most messages and rows need.
constexpr std::size_t kFirstCapacity = 128;

void make_room(Bytes& buffer, std::size_t more) {
  const std::size_t needed = buffer.size() + more;
  if (needed > buffer.capacity()) buffer.reserve(std::max({kFirstCapacity, needed, 2 * buffer.capacity()}));
}

// Big-endian, in one step.
template <std::size_t kSize>
void append_number(Bytes& buffer, std::uint64_t value) {
  std::array<std::uint8_t, kSize> digits;
  for (std::size_t i = 0; i < kSize; ++i)
    digits[i] = static_cast<std::uint8_t>(value >> (8 * (kSize - 1 - i)));
  make_room(buffer, kSize);
  buffer.insert(buffer.end(), digits.begin(), digits.end());
}

}  // namespace

ByteWriter& ByteWriter::u8(std::uint8_t value) {
  append_number<1>(buffer_, value);
  return *this;
}
ByteWriter& ByteWriter::u16(std::uint16_t value) {
  append_number<2>(buffer_, value);
  return *this;
}
ByteWriter& ByteWriter::u24(std::uint32_t value) {
  TW_ASSERT(value < (1U << 24));
  append_number<3>(buffer_, value);
  return *this;
}
ByteWriter& ByteWriter::u32(std::uint32_t value) {
  append_number<4>(buffer_, value);
  return *this;
}
ByteWriter& ByteWriter::u64(std::uint64_t value) {
  append_number<8>(buffer_, value);
  return *this;
}
ByteWriter& ByteWriter::bytes(ByteView view) {
  make_room(buffer_, view.size());
  buffer_.insert(buffer_.end(), view.begin(), view.end());
  return *this;
}
ByteWriter& ByteWriter::bytes16(ByteView view) {
  TW_ASSERT(view.size() < (1U << 16));
  return u16(static_cast<std::uint16_t>(view.size())).bytes(view);
}
ByteWriter& ByteWriter::bytes32(ByteView view) {
  TW_ASSERT(view.size() < (1ULL << 32));
  return u32(static_cast<std::uint32_t>(view.size())).bytes(view);
}
ByteWriter& ByteWriter::zeros(std::size_t count) {
  buffer_.insert(buffer_.end(), count, 0);
  return *this;
}
ByteWriter& ByteWriter::padded(std::string_view value, std::size_t width, char fill) {
  const std::string_view cut = value.substr(0, width);
  text(cut);
  buffer_.insert(buffer_.end(), width - cut.size(), static_cast<std::uint8_t>(fill));
  return *this;
}
void ByteWriter::patch_u16(std::size_t at, std::uint16_t value) {
  TW_ASSERT(at + 2 <= buffer_.size());
  buffer_[at] = static_cast<std::uint8_t>(value >> 8);
  buffer_[at + 1] = static_cast<std::uint8_t>(value);
}
void ByteWriter::patch_u32(std::size_t at, std::uint32_t value) {
  patch_u16(at, static_cast<std::uint16_t>(value >> 16));
  patch_u16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace tapewarden

// Byte sequences and the cursors through which every wire and disk format is read and written. All integers
// are big-endian, as in SCSI, TTLV and TLS. Cursors check every bound: a ByteReader never reads past its view
// and reports a short input as kCorrupt naming the field. Not thread-safe; views must outlive their cursors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;
using Hash256 = std::array<std::uint8_t, 32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}
inline Bytes to_bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

// True when both have the same length and content. Not constant in time: for public values only.
bool equal(ByteView a, ByteView b);

// REQUIRES: to.size() >= from.size().
void copy_bytes(MutableByteView to, ByteView from);

// Lower-case hex without separators.
std::string to_hex(ByteView bytes);
// Accepts both cases; kInvalidArgument for odd length or another character.
Result<Bytes> from_hex(std::string_view hex);

// Reads fields from the front of a view.
class ByteReader {
 public:
  explicit ByteReader(ByteView view) : view_(view) {}

  std::size_t remaining() const { return view_.size() - position_; }
  std::size_t position() const { return position_; }
  bool done() const { return remaining() == 0; }

  // Each names the field for the error text. `what` must be a literal.
  Result<std::uint8_t> u8(std::string_view what);
  Result<std::uint16_t> u16(std::string_view what);
  Result<std::uint32_t> u24(std::string_view what);
  Result<std::uint32_t> u32(std::string_view what);
  Result<std::uint64_t> u64(std::string_view what);
  Result<ByteView> bytes(std::size_t count, std::string_view what);  // a view into the input
  template <std::size_t N>
  Result<std::array<std::uint8_t, N>> array(std::string_view what) {
    const auto view = TRY(bytes(N, what));
    std::array<std::uint8_t, N> out;
    copy_bytes(out, view);
    return out;
  }
  // A u16 or u32 length, then that many bytes; kCorrupt when it exceeds `limit`.
  Result<ByteView> bytes16(std::size_t limit, std::string_view what);
  Result<ByteView> bytes32(std::size_t limit, std::string_view what);
  ByteView rest();
  Status skip(std::size_t count, std::string_view what);
  // kCorrupt when anything is left.
  Status expect_done(std::string_view what) const;

 private:
  template <typename T>
  Result<T> integer(std::size_t width, std::string_view what);

  ByteView view_;
  std::size_t position_ = 0;
};

// Appends fields to an owned buffer.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16(std::uint16_t value);
  ByteWriter& u24(std::uint32_t value);  // REQUIRES: value < 2^24
  ByteWriter& u32(std::uint32_t value);
  ByteWriter& u64(std::uint64_t value);
  ByteWriter& bytes(ByteView view);
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  ByteWriter& bytes16(ByteView view);  // u16 length first; REQUIRES: size < 2^16
  ByteWriter& bytes32(ByteView view);  // u32 length first; REQUIRES: size < 2^32
  ByteWriter& zeros(std::size_t count);
  // Text padded right with `fill` to `width`, cut when longer: a fixed-width SCSI field.
  ByteWriter& padded(std::string_view value, std::size_t width, char fill = ' ');
  // Overwrites a field written before. REQUIRES: it lies within what is written.
  void patch_u16(std::size_t at, std::uint16_t value);
  void patch_u32(std::size_t at, std::uint32_t value);

  std::size_t size() const { return buffer_.size(); }
  ByteView view() const { return buffer_; }
  Bytes take() { return std::move(buffer_); }

 private:
  Bytes buffer_;
};

}  // namespace tapewarden

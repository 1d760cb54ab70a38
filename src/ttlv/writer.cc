#include "ttlv/writer.h"

#include <limits>

#include "base/assert.h"

namespace tapewarden::ttlv {

void Writer::header(Tag tag, Type type, std::size_t length) {
  TW_ASSERT(length <= std::numeric_limits<std::uint32_t>::max());
  out_.u24(static_cast<std::uint32_t>(tag)).u8(static_cast<std::uint8_t>(type));
  out_.u32(static_cast<std::uint32_t>(length));
}

void Writer::pad(std::size_t length) {
  out_.zeros((8 - length % 8) % 8);
}

Writer& Writer::begin(Tag tag) {
  header(tag, Type::kStructure, 0);
  open_.push_back(out_.size() - 4);
  return *this;
}

Writer& Writer::end() {
  TW_ASSERT(!open_.empty());
  const std::size_t length = out_.size() - open_.back() - 4;
  TW_ASSERT(length <= std::numeric_limits<std::uint32_t>::max());
  out_.patch_u32(open_.back(), static_cast<std::uint32_t>(length));
  open_.pop_back();
  return *this;
}

Writer& Writer::add_integer(Tag tag, std::int32_t value) {
  header(tag, Type::kInteger, 4);
  out_.u32(static_cast<std::uint32_t>(value)).zeros(4);
  return *this;
}

Writer& Writer::add_long_integer(Tag tag, std::int64_t value) {
  header(tag, Type::kLongInteger, 8);
  out_.u64(static_cast<std::uint64_t>(value));
  return *this;
}

Writer& Writer::add_big_integer(Tag tag, ByteView value) {
  const std::size_t extension = value.empty() ? 8 : (8 - value.size() % 8) % 8;
  const bool negative = !value.empty() && (value[0] & 0x80) != 0;
  header(tag, Type::kBigInteger, value.size() + extension);
  for (std::size_t i = 0; i < extension; ++i) out_.u8(negative ? 0xFF : 0x00);
  out_.bytes(value);
  return *this;
}

Writer& Writer::add_enumeration(Tag tag, std::uint32_t value) {
  header(tag, Type::kEnumeration, 4);
  out_.u32(value).zeros(4);
  return *this;
}

Writer& Writer::add_boolean(Tag tag, bool value) {
  header(tag, Type::kBoolean, 8);
  out_.u64(value ? 1 : 0);
  return *this;
}

Writer& Writer::add_text(Tag tag, std::string_view utf8) {
  header(tag, Type::kTextString, utf8.size());
  out_.text(utf8);
  pad(utf8.size());
  return *this;
}

Writer& Writer::add_bytes(Tag tag, ByteView value) {
  header(tag, Type::kByteString, value.size());
  out_.bytes(value);
  pad(value.size());
  return *this;
}

Writer& Writer::add_date_time(Tag tag, std::int64_t seconds) {
  header(tag, Type::kDateTime, 8);
  out_.u64(static_cast<std::uint64_t>(seconds));
  return *this;
}

Writer& Writer::add_interval(Tag tag, std::uint32_t seconds) {
  header(tag, Type::kInterval, 4);
  out_.u32(seconds).zeros(4);
  return *this;
}

Writer& Writer::add_date_time_extended(Tag tag, std::int64_t microseconds) {
  header(tag, Type::kDateTimeExtended, 8);
  out_.u64(static_cast<std::uint64_t>(microseconds));
  return *this;
}

Writer& Writer::add_encoded(ByteView item) {
  TW_ASSERT(item.size() % 8 == 0);
  out_.bytes(item);
  return *this;
}

Bytes Writer::take() {
  TW_ASSERT(open_.empty());
  return out_.take();
}

}  // namespace tapewarden::ttlv

#include "ttlv/writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace tapewarden::ttlv {

namespace {

void wipe(Bytes& bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace

Writer::~Writer() {
  wipe(out_);
}

void Writer::make_room(std::size_t more) {
  if (out_.capacity() - out_.size() >= more) return;
  Bytes larger;
  larger.reserve(std::max(2 * out_.capacity(), out_.size() + more));
  larger.insert(larger.end(), out_.begin(), out_.end());
  wipe(out_);
  out_ = std::move(larger);
}

void Writer::put(ByteView bytes) {
  make_room(bytes.size());
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void Writer::put(std::uint64_t value, std::size_t bytes) {
  make_room(bytes);
  for (std::size_t i = bytes; i-- > 0;) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void Writer::header(Tag tag, Type type, std::size_t length) {
  TW_ASSERT(length <= std::numeric_limits<std::uint32_t>::max());
  put(static_cast<std::uint32_t>(tag), 3);
  put(static_cast<std::uint8_t>(type), 1);
  put(length, 4);
}

void Writer::pad(std::size_t length) {
  put(0, (8 - length % 8) % 8);
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
  for (std::size_t i = 0; i < 4; ++i) {
    out_[open_.back() + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  }
  open_.pop_back();
  return *this;
}

Writer& Writer::add_integer(Tag tag, std::int32_t value) {
  header(tag, Type::kInteger, 4);
  put(static_cast<std::uint32_t>(value), 4);
  put(0, 4);
  return *this;
}

Writer& Writer::add_long_integer(Tag tag, std::int64_t value) {
  header(tag, Type::kLongInteger, 8);
  put(static_cast<std::uint64_t>(value), 8);
  return *this;
}

Writer& Writer::add_big_integer(Tag tag, ByteView value) {
  const std::size_t extension = value.empty() ? 8 : (8 - value.size() % 8) % 8;
  const bool negative = !value.empty() && (value[0] & 0x80) != 0;
  header(tag, Type::kBigInteger, value.size() + extension);
  for (std::size_t i = 0; i < extension; ++i) put(negative ? 0xFF : 0x00, 1);
  put(value);
  return *this;
}

Writer& Writer::add_enumeration(Tag tag, std::uint32_t value) {
  header(tag, Type::kEnumeration, 4);
  put(value, 4);
  put(0, 4);
  return *this;
}

Writer& Writer::add_boolean(Tag tag, bool value) {
  header(tag, Type::kBoolean, 8);
  put(value ? 1 : 0, 8);
  return *this;
}

Writer& Writer::add_text(Tag tag, std::string_view utf8) {
  header(tag, Type::kTextString, utf8.size());
  put(as_bytes(utf8));
  pad(utf8.size());
  return *this;
}

Writer& Writer::add_bytes(Tag tag, ByteView value) {
  header(tag, Type::kByteString, value.size());
  put(value);
  pad(value.size());
  return *this;
}

Writer& Writer::add_date_time(Tag tag, std::int64_t seconds) {
  header(tag, Type::kDateTime, 8);
  put(static_cast<std::uint64_t>(seconds), 8);
  return *this;
}

Writer& Writer::add_interval(Tag tag, std::uint32_t seconds) {
  header(tag, Type::kInterval, 4);
  put(seconds, 4);
  put(0, 4);
  return *this;
}

Writer& Writer::add_date_time_extended(Tag tag, std::int64_t microseconds) {
  header(tag, Type::kDateTimeExtended, 8);
  put(static_cast<std::uint64_t>(microseconds), 8);
  return *this;
}

Writer& Writer::add_encoded(ByteView item) {
  TW_ASSERT(item.size() % 8 == 0);
  put(item);
  return *this;
}

Bytes Writer::take() {
  TW_ASSERT(open_.empty());
  return std::exchange(out_, {});
}

}  // namespace tapewarden::ttlv

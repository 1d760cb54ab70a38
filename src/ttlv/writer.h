// Writes TTLV. The lengths of structures are filled in when they end. What is written may be secret: a buffer
// that was outgrown is wiped, and so is what was never taken. Who takes it wipes it. One thread at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "ttlv/item.h"

namespace tapewarden::ttlv {

class Writer {
 public:
  Writer() = default;
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Every begin() needs its end().
  Writer& begin(Tag tag);
  Writer& end();

  Writer& add_integer(Tag tag, std::int32_t value);
  Writer& add_long_integer(Tag tag, std::int64_t value);
  // Two's complement, big-endian, any length; sign-extended on the left to a multiple of 8 bytes.
  Writer& add_big_integer(Tag tag, ByteView value);
  Writer& add_enumeration(Tag tag, std::uint32_t value);
  template <typename E>
    requires std::is_enum_v<E>
  Writer& add_enumeration(Tag tag, E value) {
    return add_enumeration(tag, static_cast<std::uint32_t>(value));
  }
  Writer& add_boolean(Tag tag, bool value);
  Writer& add_text(Tag tag, std::string_view utf8);
  Writer& add_bytes(Tag tag, ByteView value);
  Writer& add_date_time(Tag tag, std::int64_t seconds);
  Writer& add_interval(Tag tag, std::uint32_t seconds);
  Writer& add_date_time_extended(Tag tag, std::int64_t microseconds);
  // An item that is already encoded. REQUIRES: a multiple of 8 bytes.
  Writer& add_encoded(ByteView item);

  std::size_t size() const { return out_.size(); }
  // The encoding. REQUIRES: every structure has ended.
  Bytes take();

 private:
  void header(Tag tag, Type type, std::size_t length);
  void pad(std::size_t length);
  void put(std::uint64_t value, std::size_t bytes);  // big-endian
  void put(ByteView bytes);
  void make_room(std::size_t more);

  Bytes out_;
  std::vector<std::size_t> open_;  // where the length of each structure not yet ended stands
};

}  // namespace tapewarden::ttlv

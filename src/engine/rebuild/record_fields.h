// The body of one record: fields of u16 tag, u16 length and value, in any order, each at most once. A field
// that is not there has its default value, so that a later program's file can be read by an earlier one and
// the other way round; a field that a reader does not know is skipped, unless its tag is 8000h or above.
// Numbers are big-endian in as few bytes as they need. Pure.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::engine {

inline constexpr std::uint16_t kFieldMustBeKnown = 0x8000;
// Of numbers that the catalogue keeps in a column of the database.
inline constexpr std::uint64_t kLargestNumber = std::numeric_limits<std::int64_t>::max();

class FieldWriter {
 public:
  FieldWriter& number(std::uint16_t tag, std::uint64_t value);  // 0 is left out
  FieldWriter& text(std::uint16_t tag, std::string_view value) { return bytes(tag, as_bytes(value)); }
  // Empty is left out. REQUIRES: shorter than 64 KiB.
  FieldWriter& bytes(std::uint16_t tag, ByteView value);
  FieldWriter& uuid(std::uint16_t tag, const Uuid& value);  // nil is left out
  FieldWriter& time(std::uint16_t tag, WallTime value);     // the epoch is left out
  FieldWriter& time(std::uint16_t tag, const std::optional<WallTime>& value);
  Bytes take() { return out_.take(); }

 private:
  ByteWriter out_;
};

// Views into the body. Getters: kCorrupt naming the field when it has another length or is out of its range.
class FieldReader {
 public:
  // kCorrupt when the body is cut off, or a tag stands there twice.
  static Result<FieldReader> parse(ByteView body);

  Result<std::uint64_t> number(std::uint16_t tag, std::string_view what,
                               std::uint64_t largest = kLargestNumber);
  template <typename T>
  Result<T> small(std::uint16_t tag, std::string_view what, std::uint64_t largest) {
    return static_cast<T>(TRY(number(tag, what, largest)));
  }
  Result<std::string> text(std::uint16_t tag, std::size_t limit, std::string_view what);  // printable
  Result<ByteView> bytes(std::uint16_t tag, std::size_t limit, std::string_view what);
  Result<Uuid> uuid(std::uint16_t tag, std::string_view what);
  Result<WallTime> time(std::uint16_t tag, std::string_view what);
  Result<std::optional<WallTime>> time_or_none(std::uint16_t tag, std::string_view what);
  // After the last getter. kUnsupported when a field that must be known was not asked for.
  Status finish() const;

 private:
  struct Field {
    std::uint16_t tag = 0;
    ByteView value{};
    bool known = false;
  };
  Field* find(std::uint16_t tag);
  std::vector<Field> fields_;
};

}  // namespace tapewarden::engine

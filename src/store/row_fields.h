// The columns of a row one after the other, as their table has them: for codecs that turn values into rows
// and back. A row that was read has passed its MAC, so a wrong count or type is a defect of this program and
// stops it; a number that names no member of an enumeration was written by a newer program, and is an error.
// One thread.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/env.h"
#include "base/uuid.h"
#include "store/schema.h"

namespace tapewarden::store {

class RowFields {
 public:
  explicit RowFields(const TableSpec& table) : table_(table) { row_.reserve(table.columns.size()); }

  // REQUIRES: a number below 2^63.
  template <std::integral N>
  RowFields& number(N value) {
    if constexpr (!std::same_as<N, bool>) TW_ASSERT(std::in_range<std::int64_t>(value));
    return value_of(static_cast<std::int64_t>(value));
  }
  template <typename E>
    requires std::is_enum_v<E>
  RowFields& member(E value) {
    return value_of(static_cast<std::int64_t>(value));
  }
  RowFields& text(std::string_view value) { return value_of(std::string(value)); }
  RowFields& blob(ByteView value) { return value_of(to_bytes(value)); }
  RowFields& time(WallTime value) { return value_of(to_millis(value)); }
  // 0 for never.
  RowFields& moment(const std::optional<WallTime>& value) { return time(value.value_or(WallTime{})); }
  RowFields& value_of(Value value) {
    row_.push_back(std::move(value));
    return *this;
  }
  Row take() {
    TW_ASSERT(row_.size() == table_.columns.size());
    return std::move(row_);
  }

 private:
  const TableSpec& table_;
  Row row_;
};

class RowFieldReader {
 public:
  RowFieldReader(const TableSpec& table, const Row& row) : table_(table), row_(row) {
    TW_ASSERT(row.size() == table.columns.size());
  }

  template <std::integral N>
  N number() {
    const std::int64_t value = integer(row_, next_++);
    if constexpr (std::same_as<N, bool>) {
      return value != 0;
    } else {
      TW_ASSERT(std::in_range<N>(value));
      return static_cast<N>(value);
    }
  }
  // kUnsupported, naming the column, for a number below `first` or beyond `last`.
  template <typename E>
    requires std::is_enum_v<E>
  Result<E> member(E last, E first = E{}) {
    const std::size_t at = next_++;
    const std::int64_t value = integer(row_, at);
    if (value >= static_cast<std::int64_t>(first) && value <= static_cast<std::int64_t>(last))
      return static_cast<E>(value);
    return fail(ErrorCode::kUnsupported,
                "the table " + std::string(table_.name) + " holds " + std::to_string(value) +
                    ", which this program does not know",
                std::string(table_.columns[at].name), "use the program that wrote it, or a newer one");
  }
  const std::string& text() { return store::text(row_, next_++); }
  const Bytes& blob() { return store::blob(row_, next_++); }
  Uuid uuid() {
    const Bytes& bytes = blob();
    TW_ASSERT(bytes.size() == 16);
    return Uuid::from(bytes);
  }
  WallTime time() { return from_millis(integer(row_, next_++)); }
  std::optional<WallTime> moment() {
    const WallTime value = time();
    return value == WallTime{} ? std::nullopt : std::optional(value);
  }

 private:
  const TableSpec& table_;
  const Row& row_;
  std::size_t next_ = 0;
};

}  // namespace tapewarden::store

// Writes and reads the columns of a row one after the other. A row that was read has passed its MAC, so a
// wrong count or type is a defect of this program and stops it. For rows.cc and the small tables. One thread.
#pragma once

#include <string>
#include <type_traits>

#include "base/assert.h"
#include "base/env.h"
#include "base/uuid.h"
#include "store/schema.h"

namespace tapewarden::keymgr {

class RowWriter {
 public:
  explicit RowWriter(const store::TableSpec& table) : table_(table) { row_.reserve(table.columns.size()); }

  RowWriter& integer(std::int64_t value) { return add(value); }
  RowWriter& flag(bool value) { return add(static_cast<std::int64_t>(value)); }
  RowWriter& time(WallTime value) { return add(to_millis(value)); }
  RowWriter& text(std::string_view value) { return add(std::string(value)); }
  RowWriter& blob(ByteView value) { return add(to_bytes(value)); }
  RowWriter& uuid(const Uuid& value) { return blob(value.view()); }
  template <typename E>
    requires std::is_enum_v<E>
  RowWriter& number_of(E value) {
    return integer(static_cast<std::int64_t>(value));
  }
  store::Row take() {
    TW_ASSERT(row_.size() == table_.columns.size());
    return std::move(row_);
  }

 private:
  RowWriter& add(store::Value value) {
    row_.push_back(std::move(value));
    return *this;
  }

  const store::TableSpec& table_;
  store::Row row_;
};

class RowReader {
 public:
  RowReader(const store::TableSpec& table, const store::Row& row) : row_(row) {
    TW_ASSERT(row.size() == table.columns.size());
  }

  std::int64_t integer() { return store::integer(row_, next_++); }
  bool flag() { return integer() != 0; }
  WallTime time() { return from_millis(integer()); }
  const std::string& text() { return store::text(row_, next_++); }
  const Bytes& blob() { return store::blob(row_, next_++); }
  Uuid uuid() {
    const auto& bytes = blob();
    TW_ASSERT(bytes.size() == 16);
    return Uuid::from(bytes);
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    const auto& bytes = blob();
    TW_ASSERT(bytes.size() == N);
    std::array<std::uint8_t, N> out;
    copy_bytes(out, bytes);
    return out;
  }
  template <typename E>
    requires std::is_enum_v<E>
  E enumeration() {
    return static_cast<E>(integer());
  }

 private:
  const store::Row& row_;
  std::size_t next_ = 0;
};

}  // namespace tapewarden::keymgr

#include "store/schema.h"

#include "base/assert.h"

namespace tapewarden::store {

namespace {
template <typename T>
const T& value_of(const Row& row, std::size_t column) {
  TW_ASSERT(column < row.size());
  const T* value = std::get_if<T>(&row[column]);
  TW_ASSERT(value != nullptr);
  return *value;
}
}  // namespace

std::int64_t integer(const Row& row, std::size_t column) {
  return value_of<std::int64_t>(row, column);
}
const std::string& text(const Row& row, std::size_t column) {
  return value_of<std::string>(row, column);
}
const Bytes& blob(const Row& row, std::size_t column) {
  return value_of<Bytes>(row, column);
}

}  // namespace tapewarden::store

#include "store/group_rows.h"

#include "store/row_codec.h"

namespace tapewarden::store {

std::string GroupRows::place(const Layout& layout, std::span<const Value> key) {
  ByteWriter writer;
  writer.u16(static_cast<std::uint16_t>(layout.position));
  for (const Value& value : key) encode_value(writer, value);
  return std::string(as_text(writer.view()));
}

const std::optional<StoredRow>* GroupRows::find(const std::string& place) const {
  const auto found = rows_.find(place);
  return found == rows_.end() ? nullptr : &found->second;
}

const std::optional<StoredRow>& GroupRows::keep(std::string place, std::optional<StoredRow> row) {
  if (rows_.size() >= kRows) rows_.clear();
  return rows_.insert_or_assign(std::move(place), std::move(row)).first->second;
}

}  // namespace tapewarden::store

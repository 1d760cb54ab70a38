#include "store/row_codec.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/text.h"

namespace tapewarden::store {

namespace {

// Value tags of the canonical form.
constexpr std::uint8_t kNullTag = 0;
constexpr std::uint8_t kIntegerTag = 1;
constexpr std::uint8_t kTextTag = 2;
constexpr std::uint8_t kBlobTag = 3;
constexpr std::size_t kValueLimit = 64U << 20;

std::uint64_t limb_of(const Hash256& bytes, std::size_t limb) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[(3 - limb) * 8 + i];
  return value;
}

std::string printable_text(std::string_view text) {
  std::string out;
  for (const char c : escape_unprintable(text)) {
    if (c == '/')
      out += "\\x2f";
    else
      out += c;
  }
  return out;
}

}  // namespace

void MacSum::add(const Hash256& mac) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint64_t term = limb_of(mac, i);
    const std::uint64_t partial = limbs_[i] + carry;
    const std::uint64_t total = partial + term;
    carry = static_cast<std::uint64_t>(partial < carry) + static_cast<std::uint64_t>(total < term);
    limbs_[i] = total;
  }
}

void MacSum::subtract(const Hash256& mac) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    const std::uint64_t term = limb_of(mac, i);
    const std::uint64_t partial = limbs_[i] - borrow;
    const auto under = static_cast<std::uint64_t>(limbs_[i] < borrow);
    borrow = under + static_cast<std::uint64_t>(partial < term);
    limbs_[i] = partial - term;
  }
}

Hash256 MacSum::bytes() const {
  Hash256 out;
  for (std::size_t limb = 0; limb < limbs_.size(); ++limb) {
    for (std::size_t i = 0; i < 8; ++i) {
      out[(3 - limb) * 8 + i] = static_cast<std::uint8_t>(limbs_[limb] >> (56 - 8 * i));
    }
  }
  return out;
}

MacSum MacSum::from(const Hash256& bytes) {
  MacSum sum;
  sum.add(bytes);
  return sum;
}

void encode_value(ByteWriter& writer, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    writer.u8(kIntegerTag).u64(static_cast<std::uint64_t>(*number));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    writer.u8(kTextTag).bytes32(as_bytes(*text));
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    writer.u8(kBlobTag).bytes32(*bytes);
  } else {
    writer.u8(kNullTag);
  }
}

Result<Value> decode_value(ByteReader& reader) {
  switch (TRY(reader.u8("value tag"))) {
    case kNullTag:
      return Value();
    case kIntegerTag:
      return Value(static_cast<std::int64_t>(TRY(reader.u64("integer"))));
    case kTextTag:
      return Value(std::string(as_text(TRY(reader.bytes32(kValueLimit, "text")))));
    case kBlobTag:
      return Value(to_bytes(TRY(reader.bytes32(kValueLimit, "blob"))));
    default:
      return fail(ErrorCode::kCorrupt, "unknown value tag", "value tag");
  }
}

Bytes canonical_row(const TableSpec& table, const RowHead& head, const Row& row) {
  const auto columns = static_cast<std::size_t>(head.columns);
  TW_ASSERT(columns <= row.size());
  ByteWriter writer;
  writer.bytes16(as_bytes(table.name)).u16(static_cast<std::uint16_t>(columns));
  for (std::size_t i = 0; i < columns; ++i) encode_value(writer, row[i]);
  writer.u64(static_cast<std::uint64_t>(head.version)).bytes(head.origin.view());
  writer.u64(static_cast<std::uint64_t>(head.commit)).u8(head.erased ? 1 : 0);
  if (head.key != kFormWithoutVersion) writer.u32(head.key);
  return writer.take();
}

Bytes secret_place(const TableSpec& table, std::span<const Value> key, std::string_view column) {
  ByteWriter writer;
  writer.bytes16(as_bytes(table.name)).u16(static_cast<std::uint16_t>(key.size()));
  for (const Value& value : key) encode_value(writer, value);
  writer.bytes16(as_bytes(column));
  return writer.take();
}

std::string printable_key(std::span<const Value> key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i > 0) out += '/';
    if (const auto* number = std::get_if<std::int64_t>(&key[i])) out += std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&key[i])) out += printable_text(*text);
    if (const auto* bytes = std::get_if<Bytes>(&key[i])) out += to_hex(*bytes);
  }
  return out;
}

namespace {

std::unexpected<Error> bad_print(const TableSpec& table) {
  return fail(ErrorCode::kCorrupt, "not a key of the table " + std::string(table.name), "key");
}

// Undoes printable_text(): \xHH is the only escape.
Result<std::string> parse_text(const TableSpec& table, std::string_view print) {
  std::string text;
  for (std::size_t at = 0; at < print.size(); ++at) {
    if (print[at] != '\\') {
      text += print[at];
      continue;
    }
    const auto byte = from_hex(print.substr(std::min(at + 2, print.size()), 2));
    if (!byte || byte->size() != 1 || print[at + 1] != 'x') return bad_print(table);
    text += static_cast<char>(byte->front());
    at += 3;
  }
  return text;
}

Result<Value> parse_value(const TableSpec& table, ColumnType type, std::string_view print) {
  if (type == ColumnType::kBlob) return Value(TRY(from_hex(print)));
  if (type == ColumnType::kText) return Value(TRY(parse_text(table, print)));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(print.data(), print.data() + print.size(), number);
  if (error != std::errc() || end != print.data() + print.size()) return bad_print(table);
  return Value(number);
}

}  // namespace

Result<Row> parse_printable_key(const TableSpec& table, std::string_view print) {
  const std::vector<std::string> parts = split(print, '/');
  Row key;
  for (const Column& column : table.columns) {
    if (column.role != ColumnRole::kKey) continue;
    if (key.size() >= parts.size()) return bad_print(table);
    key.push_back(TRY(parse_value(table, column.type, parts[key.size()])));
  }
  if (key.size() != parts.size()) return bad_print(table);
  return key;
}

Row key_of(const TableSpec& table, const Row& row) {
  Row key;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].role == ColumnRole::kKey) key.push_back(row[i]);
  }
  return key;
}

Value default_value(ColumnType type) {
  switch (type) {
    case ColumnType::kInteger:
      return std::int64_t{0};
    case ColumnType::kText:
      return std::string();
    case ColumnType::kBlob:
      return Bytes();
  }
  return {};
}

bool has_type(const Value& value, ColumnType type) {
  switch (type) {
    case ColumnType::kInteger:
      return std::holds_alternative<std::int64_t>(value);
    case ColumnType::kText:
      return std::holds_alternative<std::string>(value);
    case ColumnType::kBlob:
      return std::holds_alternative<Bytes>(value);
  }
  return false;
}

}  // namespace tapewarden::store

#include "engine/rebuild/record_fields.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "engine/rebuild/limits.h"

namespace tapewarden::engine {
namespace {

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the field " + std::string(what) + " of a record is damaged",
              std::string(what));
}

}  // namespace

FieldWriter& FieldWriter::number(std::uint16_t tag, std::uint64_t value) {
  if (value == 0) return *this;
  ByteWriter all;
  all.u64(value);
  auto bytes_of_value = all.view();
  while (bytes_of_value.front() == 0) bytes_of_value = bytes_of_value.subspan(1);
  return bytes(tag, bytes_of_value);
}

FieldWriter& FieldWriter::bytes(std::uint16_t tag, ByteView value) {
  TW_ASSERT(value.size() <= 0xFFFF);
  if (value.empty()) return *this;
  out_.u16(tag).bytes16(value);
  return *this;
}

FieldWriter& FieldWriter::uuid(std::uint16_t tag, const Uuid& value) {
  return value.is_nil() ? *this : bytes(tag, value.view());
}

FieldWriter& FieldWriter::time(std::uint16_t tag, WallTime value) {
  return number(tag, static_cast<std::uint64_t>(std::max<std::int64_t>(to_millis(value), 0)));
}

FieldWriter& FieldWriter::time(std::uint16_t tag, const std::optional<WallTime>& value) {
  return value ? time(tag, *value) : *this;
}

Result<FieldReader> FieldReader::parse(ByteView body) {
  FieldReader reader;
  ByteReader in(body);
  while (!in.done()) {
    const auto tag = TRY(in.u16("tag"));
    const auto value = TRY(in.bytes16(body.size(), "field"));
    if (reader.fields_.size() == kMaxFieldsOfRecord) return wrong("count");
    if (reader.find(tag) != nullptr) return wrong("tag " + std::to_string(tag));
    reader.fields_.push_back({tag, value, false});
  }
  return reader;
}

FieldReader::Field* FieldReader::find(std::uint16_t tag) {
  const auto found = std::ranges::find(fields_, tag, &Field::tag);
  return found == fields_.end() ? nullptr : &*found;
}

Result<ByteView> FieldReader::bytes(std::uint16_t tag, std::size_t limit, std::string_view what) {
  auto* field = find(tag);
  if (field == nullptr) return ByteView();
  field->known = true;
  if (field->value.size() > limit) return wrong(what);
  return field->value;
}

Result<std::uint64_t> FieldReader::number(std::uint16_t tag, std::string_view what, std::uint64_t largest) {
  std::uint64_t value = 0;
  for (const auto byte : TRY(bytes(tag, sizeof(value), what))) value = value << 8U | byte;
  if (value > largest) return wrong(what);
  return value;
}

Result<std::string> FieldReader::text(std::uint16_t tag, std::size_t limit, std::string_view what) {
  const auto value = as_text(TRY(bytes(tag, limit, what)));
  if (!is_printable(value)) return wrong(what);
  return std::string(value);
}

Result<Uuid> FieldReader::uuid(std::uint16_t tag, std::string_view what) {
  const auto value = TRY(bytes(tag, Uuid().bytes.size(), what));
  if (value.empty()) return Uuid();
  if (value.size() != Uuid().bytes.size()) return wrong(what);
  return Uuid::from(value);
}

Result<WallTime> FieldReader::time(std::uint16_t tag, std::string_view what) {
  return from_millis(static_cast<std::int64_t>(TRY(number(tag, what))));
}

Result<std::optional<WallTime>> FieldReader::time_or_none(std::uint16_t tag, std::string_view what) {
  const auto value = TRY(time(tag, what));
  if (value == WallTime{}) return std::nullopt;
  return value;
}

Status FieldReader::finish() const {
  for (const auto& field : fields_)
    if (!field.known && field.tag >= kFieldMustBeKnown)
      return fail(ErrorCode::kUnsupported,
                  "a record has the field " + std::to_string(field.tag) + ", which a newer program wrote",
                  "tag", "use a newer program");
  return {};
}

}  // namespace tapewarden::engine

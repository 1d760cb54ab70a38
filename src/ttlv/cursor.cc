#include "ttlv/cursor.h"

namespace tapewarden::ttlv {

Result<Cursor> Cursor::over(Item item, Tag tag) {
  if (item.tag() != tag || !item.is_structure()) {
    return fail(ErrorCode::kInvalidArgument, "expected the structure " + tag_text(tag, item.tag_names()),
                item.name());
  }
  return Cursor(item);
}

std::optional<Item> Cursor::peek() const {
  if (left_.empty()) return std::nullopt;
  return *left_.begin();
}

bool Cursor::next_is(Tag tag) const {
  return !left_.empty() && (*left_.begin()).tag() == tag;
}

Result<Item> Cursor::expect(Tag tag) {
  if (auto item = optional(tag)) return *item;
  const auto found = peek();
  return fail(ErrorCode::kInvalidArgument,
              structure_.name() + (found ? " has " + found->name() + " where it needs " : " lacks ") +
                  tag_text(tag, structure_.tag_names()),
              tag_text(tag, structure_.tag_names()));
}

std::optional<Item> Cursor::optional(Tag tag) {
  if (!next_is(tag)) return std::nullopt;
  const Item item = *left_.begin();
  left_.nodes_ = left_.nodes_.subspan(left_.nodes_.front().items);
  return item;
}

Status Cursor::finish() const {
  const auto item = peek();
  if (!item) return {};
  return fail(ErrorCode::kInvalidArgument, structure_.name() + " has an item that does not belong there",
              item->name());
}

Result<std::int32_t> Cursor::integer(Tag tag) {
  return TRY(expect(tag)).as_integer();
}

Result<std::int32_t> Cursor::integer(Tag tag, std::int32_t low, std::int32_t high) {
  const auto item = TRY(expect(tag));
  const auto value = TRY(item.as_integer());
  if (value < low || value > high) {
    return fail(ErrorCode::kInvalidArgument,
                "the number must lie between " + std::to_string(low) + " and " + std::to_string(high),
                item.name());
  }
  return value;
}

Result<std::int64_t> Cursor::long_integer(Tag tag) {
  return TRY(expect(tag)).as_long_integer();
}

Result<std::uint64_t> Cursor::unsigned_integer(Tag tag, std::uint64_t high) {
  const auto item = TRY(expect(tag));
  const auto value = TRY(item.as_long_integer());
  if (value < 0 || static_cast<std::uint64_t>(value) > high) {
    return fail(ErrorCode::kInvalidArgument, "the number must lie between 0 and " + std::to_string(high),
                item.name());
  }
  return static_cast<std::uint64_t>(value);
}

Result<ByteView> Cursor::big_integer(Tag tag) {
  return TRY(expect(tag)).as_big_integer();
}

Result<std::uint32_t> Cursor::enumeration(Tag tag) {
  return TRY(expect(tag)).as_enumeration();
}

std::unexpected<Error> Cursor::unknown_value(Tag tag, std::uint32_t value) const {
  return fail(ErrorCode::kInvalidArgument, "the enumeration has no value " + std::to_string(value),
              tag_text(tag, structure_.tag_names()));
}

Result<bool> Cursor::boolean(Tag tag) {
  return TRY(expect(tag)).as_boolean();
}

Result<std::string_view> Cursor::text(Tag tag, std::size_t limit) {
  const auto item = TRY(expect(tag));
  const auto value = TRY(item.as_text());
  if (value.size() > limit) {
    return fail(ErrorCode::kInvalidArgument, "the text is longer than " + std::to_string(limit) + " bytes",
                item.name());
  }
  return value;
}

Result<ByteView> Cursor::bytes(Tag tag, std::size_t limit) {
  const auto item = TRY(expect(tag));
  const auto value = TRY(item.as_bytes());
  if (value.size() > limit) {
    return fail(ErrorCode::kInvalidArgument, "the value is longer than " + std::to_string(limit) + " bytes",
                item.name());
  }
  return value;
}

Result<ByteView> Cursor::fixed_bytes(Tag tag, std::size_t size) {
  const auto item = TRY(expect(tag));
  const auto value = TRY(item.as_bytes());
  if (value.size() != size) {
    return fail(ErrorCode::kInvalidArgument, "the value must have " + std::to_string(size) + " bytes",
                item.name());
  }
  return value;
}

Result<std::int64_t> Cursor::date_time(Tag tag) {
  return TRY(expect(tag)).as_date_time();
}

Result<std::uint32_t> Cursor::interval(Tag tag) {
  return TRY(expect(tag)).as_interval();
}

Result<std::int64_t> Cursor::date_time_extended(Tag tag) {
  return TRY(expect(tag)).as_date_time_extended();
}

Result<Cursor> Cursor::structure(Tag tag) {
  return over(TRY(expect(tag)), tag);
}

Result<std::optional<std::string_view>> Cursor::optional_text(Tag tag, std::size_t limit) {
  if (!next_is(tag)) return std::nullopt;
  return TRY(text(tag, limit));
}

Result<std::optional<ByteView>> Cursor::optional_bytes(Tag tag, std::size_t limit) {
  if (!next_is(tag)) return std::nullopt;
  return TRY(bytes(tag, limit));
}

}  // namespace tapewarden::ttlv

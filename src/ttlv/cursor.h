// Reads the fields of a structure in their order, with types. A message is decoded by asking for each field
// of the specification's table in turn and calling finish() last:
//
//   Cursor in(structure);
//   out.serial = TRY(in.text(kDriveSerial, 12));
//   if (const auto name = TRY(in.optional_text(kProxyName, 64))) out.proxy = *name;
//   TRY(in.finish());
//
// Every error is kInvalidArgument naming the tag. A small value that borrows from the document.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>

#include "ttlv/item.h"

namespace tapewarden::ttlv {

class Cursor {
 public:
  explicit Cursor(Item structure) : structure_(structure), left_(structure.children()) {}
  // kInvalidArgument when the item has another tag or is no structure.
  static Result<Cursor> over(Item item, Tag tag);

  bool done() const { return left_.empty(); }
  std::optional<Item> peek() const;
  bool next_is(Tag tag) const;

  // The next item, which must have the tag.
  Result<Item> expect(Tag tag);
  // The next item when it has the tag; nothing, and the cursor stays, when it has not. Call it in a loop for
  // a field that may be repeated.
  std::optional<Item> optional(Tag tag);
  // kInvalidArgument naming the first item that nobody asked for.
  Status finish() const;

  Result<std::int32_t> integer(Tag tag);
  // An Integer within [low, high].
  Result<std::int32_t> integer(Tag tag, std::int32_t low, std::int32_t high);
  Result<std::int64_t> long_integer(Tag tag);
  // A Long Integer within [0, high].
  Result<std::uint64_t> unsigned_integer(Tag tag, std::uint64_t high = INT64_MAX);
  Result<ByteView> big_integer(Tag tag);
  Result<std::uint32_t> enumeration(Tag tag);
  // An Enumeration whose values run without a gap from `low` to `high`.
  template <typename E>
    requires std::is_enum_v<E>
  Result<E> enumeration(Tag tag, E low, E high) {
    const auto value = TRY(enumeration(tag));
    if (value < static_cast<std::uint32_t>(low) || value > static_cast<std::uint32_t>(high)) {
      return unknown_value(tag, value);
    }
    return static_cast<E>(value);
  }
  Result<bool> boolean(Tag tag);
  Result<std::string_view> text(Tag tag, std::size_t limit);  // bytes of UTF-8
  Result<ByteView> bytes(Tag tag, std::size_t limit);
  template <std::size_t N>
  Result<std::array<std::uint8_t, N>> array(Tag tag) {  // a Byte String of exactly N
    const auto view = TRY(fixed_bytes(tag, N));
    std::array<std::uint8_t, N> out;
    copy_bytes(out, view);
    return out;
  }
  Result<std::int64_t> date_time(Tag tag);
  Result<std::uint32_t> interval(Tag tag);
  Result<std::int64_t> date_time_extended(Tag tag);
  Result<Cursor> structure(Tag tag);

  Result<std::optional<std::string_view>> optional_text(Tag tag, std::size_t limit);
  Result<std::optional<ByteView>> optional_bytes(Tag tag, std::size_t limit);

 private:
  std::unexpected<Error> unknown_value(Tag tag, std::uint32_t value) const;
  Result<ByteView> fixed_bytes(Tag tag, std::size_t size);

  Item structure_;
  ItemRange left_;
};

}  // namespace tapewarden::ttlv

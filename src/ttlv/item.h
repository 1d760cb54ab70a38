// The TTLV encoding of KMIP (OASIS KMIP Specification 1.0-1.4 section 9.1, 2.0 and 2.1 section 10.1): every
// item is a 3-byte tag, a 1-byte type, a 4-byte length and a value padded with zeros to a multiple of 8
// bytes.
//
// decode() checks a whole message strictly and gives a tree whose items are views into the input: nothing is
// copied. A message that decodes is the only encoding of its tree, so encoding the tree again gives the same
// bytes, which is what signatures over parts of a message rest on.
//
// Documents are immutable values; items and cursors borrow from their document and from the input, both of
// which must outlive them. Thread-safe for reading.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::ttlv {

// 24 bits: 42xxxx is KMIP's own, 54xxxx is for extensions.
enum class Tag : std::uint32_t {};

enum class Type : std::uint8_t {
  kStructure = 0x01,
  kInteger = 0x02,
  kLongInteger = 0x03,
  kBigInteger = 0x04,
  kEnumeration = 0x05,
  kBoolean = 0x06,
  kTextString = 0x07,
  kByteString = 0x08,
  kDateTime = 0x09,
  kInterval = 0x0A,
  kDateTimeExtended = 0x0B,  // KMIP 2.0
};

std::string_view to_string(Type type);

// The name of a tag for error texts; empty when it is unknown. A plain function, so that items stay small.
using TagNames = std::string_view (*)(Tag tag);

// "Name (54000A)" or "tag 54000A".
std::string tag_text(Tag tag, TagNames names = nullptr);

inline constexpr std::size_t kHeaderBytes = 8;

struct Limits {
  std::size_t bytes = 1U << 20;  // the whole encoding
  unsigned depth = 24;           // structures within structures
  std::size_t items = 1U << 16;
};

namespace internal {
struct Node {
  Tag tag{};
  Type type{};
  std::uint32_t items = 1;  // in the subtree, this one included
  ByteView encoding;        // header, value, padding
  ByteView value;           // without padding
};
}  // namespace internal

class ItemRange;

// One item of a decoded document. A small value. Each as_…() gives kInvalidArgument naming the tag when the
// item is of another type.
class Item {
 public:
  Tag tag() const { return nodes_.front().tag; }
  Type type() const { return nodes_.front().type; }
  bool is_structure() const { return type() == Type::kStructure; }
  ByteView encoding() const { return nodes_.front().encoding; }  // as it stood in the input
  ByteView value() const { return nodes_.front().value; }
  std::string name() const { return tag_text(tag(), names_); }
  TagNames tag_names() const { return names_; }

  Result<std::int32_t> as_integer() const;
  Result<std::int64_t> as_long_integer() const;
  Result<ByteView> as_big_integer() const;  // two's complement, big-endian, a multiple of 8 bytes
  Result<std::uint32_t> as_enumeration() const;
  Result<bool> as_boolean() const;
  Result<std::string_view> as_text() const;  // valid UTF-8
  Result<ByteView> as_bytes() const;
  Result<std::int64_t> as_date_time() const;           // seconds since 1970
  Result<std::uint32_t> as_interval() const;           // seconds
  Result<std::int64_t> as_date_time_extended() const;  // microseconds since 1970

  // Of a structure; empty for every other type.
  ItemRange children() const;
  // The first child with the tag.
  std::optional<Item> find(Tag tag) const;

 private:
  friend class Document;
  friend class ItemRange;
  Item(std::span<const internal::Node> nodes, TagNames names) : nodes_(nodes), names_(names) {}
  Status expect_type(Type wanted) const;

  std::span<const internal::Node> nodes_;  // this item and all below it, in the order of the encoding
  TagNames names_;
};

// The children of a structure in the order of the encoding.
class ItemRange {
 public:
  struct End {};
  class Iterator {
   public:
    Item operator*() const { return {left_.first(left_.front().items), names_}; }
    Iterator& operator++() {
      left_ = left_.subspan(left_.front().items);
      return *this;
    }
    bool operator==(End) const { return left_.empty(); }

   private:
    friend class ItemRange;
    Iterator(std::span<const internal::Node> left, TagNames names) : left_(left), names_(names) {}
    std::span<const internal::Node> left_;
    TagNames names_;
  };

  Iterator begin() const { return {nodes_, names_}; }
  End end() const { return {}; }
  bool empty() const { return nodes_.empty(); }

 private:
  friend class Item;
  friend class Cursor;
  ItemRange(std::span<const internal::Node> nodes, TagNames names) : nodes_(nodes), names_(names) {}
  std::span<const internal::Node> nodes_;
  TagNames names_;
};

class Document {
 public:
  Item root() const { return {nodes_, names_}; }
  std::size_t item_count() const { return nodes_.size(); }

 private:
  friend Result<Document> decode(ByteView input, const Limits& limits, TagNames names);
  std::vector<internal::Node> nodes_;
  TagNames names_ = nullptr;
};

// Exactly one item. kInvalidArgument naming tag and place for anything that is not a strict encoding: cut or
// left over bytes, an unknown type, a wrong length for the type, padding that is not zero, a boolean that is
// neither 0 nor 1, text that is not UTF-8; kExhausted when a limit is passed.
Result<Document> decode(ByteView input, const Limits& limits = {}, TagNames names = nullptr);

// How many bytes the item takes whose first kHeaderBytes are given: for cutting a stream into messages.
// kInvalidArgument when it is no structure, kExhausted beyond `limit`. REQUIRES: 8 bytes.
Result<std::size_t> message_size(ByteView header, std::size_t limit);

}  // namespace tapewarden::ttlv

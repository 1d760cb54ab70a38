// Attributes of one managed object as values, whatever version spoke of them: each is one TTLV item under the
// attribute's own tag, as KMIP 2.x writes it, or under Attribute Value for a vendor's (custom) attribute.
// Values; not thread-safe.
//
// Invariants
//  1. Of an attribute that has one value (AttributeKind::many) there is at most one; vendor attributes may
//     have several.
//  2. Values of one attribute keep their indexes: a new one gets the highest plus one, and those of deleted
//     values do not come back while a higher one stands (Specification 1.4 section 2.1.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "kmip/attribute_kinds.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

// Which attribute: a kind, or a vendor's name. "x-Barcode" in KMIP 1.x is vendor "x", name "Barcode" in 2.x.
struct AttributeId {
  ttlv::Tag tag{};     // tag::kAttribute for a vendor attribute
  std::string vendor;  // empty unless it is one
  std::string name;

  static AttributeId of(ttlv::Tag tag) { return {tag, {}, {}}; }
  static AttributeId of_vendor(std::string_view vendor, std::string_view name);
  // kInvalidArgument (Invalid Field) for a name that is neither an attribute of `version` nor "x-" or "y-"
  // and more, and for one that is too long.
  static Result<AttributeId> of_name(std::string_view name, const ProtocolVersion& version);

  bool is_vendor() const;
  const AttributeKind* kind() const;  // nullptr for a vendor attribute
  std::string text() const;           // as KMIP 1.x names it
  bool operator==(const AttributeId&) const = default;
};

struct Attribute {
  AttributeId id;
  std::int32_t index = 0;
  Bytes item;  // encoded; its tag is id.tag, or Attribute Value

  bool operator==(const Attribute&) const = default;
};

class AttributeSet {
 public:
  std::span<const Attribute> all() const { return values_; }
  bool empty() const { return values_.empty(); }
  std::size_t size() const { return values_.size(); }

  // The first value; nullptr: there is none.
  const Attribute* find(const AttributeId& id) const;
  const Attribute* find(const AttributeId& id, std::int32_t index) const;
  std::vector<const Attribute*> find_all(const AttributeId& id) const;
  bool has(const AttributeId& id, ByteView item) const;

  // Adds a value behind those that are there. REQUIRES: there is none, or the attribute has many.
  void add(const AttributeId& id, Bytes item);
  // The only value, in the place of those that are there.
  void set(const AttributeId& id, Bytes item);
  // False: there is no such value.
  bool replace(const AttributeId& id, std::int32_t index, Bytes item);
  bool remove(const AttributeId& id, std::int32_t index);
  std::size_t remove_all(const AttributeId& id);

  // As stored; decode() is its inverse. kCorrupt.
  Bytes encode() const;
  static Result<AttributeSet> decode(ByteView bytes);

  bool operator==(const AttributeSet&) const = default;

 private:
  std::vector<Attribute> values_;
};

// The value of an item of an attribute that holds a number, a text and so on; nothing when there is none or
// it is of another type.
std::optional<std::int32_t> integer_of(const Attribute* attribute);
std::optional<std::uint32_t> enumeration_of(const Attribute* attribute);
std::optional<std::int64_t> date_of(const Attribute* attribute);
std::optional<bool> boolean_of(const Attribute* attribute);
std::optional<std::string> text_of(const Attribute* attribute);

// The items to put into an AttributeSet.
Bytes integer_item(ttlv::Tag tag, std::int32_t value);
Bytes enumeration_item(ttlv::Tag tag, std::uint32_t value);
Bytes date_item(ttlv::Tag tag, std::int64_t seconds);
Bytes boolean_item(ttlv::Tag tag, bool value);
Bytes text_item(ttlv::Tag tag, std::string_view value);
Bytes bytes_item(ttlv::Tag tag, ByteView value);
Bytes interval_item(ttlv::Tag tag, std::uint32_t seconds);

}  // namespace tapewarden::kmip

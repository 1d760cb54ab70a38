#include "ttlv/item.h"

#include <array>
#include <cstdio>

#include "base/assert.h"
#include "ttlv/utf8.h"

namespace tapewarden::ttlv {

std::string_view to_string(Type type) {
  switch (type) {
    case Type::kStructure:
      return "Structure";
    case Type::kInteger:
      return "Integer";
    case Type::kLongInteger:
      return "Long Integer";
    case Type::kBigInteger:
      return "Big Integer";
    case Type::kEnumeration:
      return "Enumeration";
    case Type::kBoolean:
      return "Boolean";
    case Type::kTextString:
      return "Text String";
    case Type::kByteString:
      return "Byte String";
    case Type::kDateTime:
      return "Date-Time";
    case Type::kInterval:
      return "Interval";
    case Type::kDateTimeExtended:
      return "Date-Time Extended";
  }
  return "unknown type";
}

std::string tag_text(Tag tag, TagNames names) {
  std::array<char, 16> hex{};
  std::snprintf(hex.data(), hex.size(), "%06X", static_cast<unsigned>(tag));
  const std::string_view name = names != nullptr ? names(tag) : std::string_view{};
  if (name.empty()) return std::string("tag ") + hex.data();
  return std::string(name) + " (" + hex.data() + ")";
}

namespace {

constexpr std::size_t padded(std::size_t length) {
  return (length + 7) & ~std::size_t{7};
}

std::uint64_t integer_of(ByteView value) {
  std::uint64_t out = 0;
  for (const auto byte : value) out = (out << 8) | byte;
  return out;
}

bool known(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(Type::kStructure) &&
         type <= static_cast<std::uint8_t>(Type::kDateTimeExtended);
}

// Section 9.1.1.3 (1.x), table "Allowed Item Length Values".
bool length_fits(Type type, std::size_t length) {
  switch (type) {
    case Type::kInteger:
    case Type::kEnumeration:
    case Type::kInterval:
      return length == 4;
    case Type::kLongInteger:
    case Type::kBoolean:
    case Type::kDateTime:
    case Type::kDateTimeExtended:
      return length == 8;
    case Type::kBigInteger:
      return length >= 8 && length % 8 == 0;
    case Type::kStructure:
      return length % 8 == 0;
    case Type::kTextString:
    case Type::kByteString:
      return true;
  }
  return false;
}

class Decoder {
 public:
  Decoder(ByteView input, const Limits& limits, TagNames names, std::vector<internal::Node>& nodes)
      : input_(input), limits_(limits), names_(names), nodes_(nodes) {}

  // Decodes items from `start` until `end` has been reached exactly.
  Status items(std::size_t start, std::size_t end, unsigned depth) {
    while (start < end) start = TRY(item(start, end, depth));
    return {};
  }

  // Returns where the next item starts.
  Result<std::size_t> item(std::size_t start, std::size_t end, unsigned depth) {
    if (end - start < kHeaderBytes) return bad("header is cut", start);
    ByteReader reader(input_.subspan(start, kHeaderBytes));
    const Tag tag{TRY(reader.u24("tag"))};
    const std::uint8_t type_byte = TRY(reader.u8("type"));
    const std::size_t length = TRY(reader.u32("length"));
    if (!known(type_byte)) return bad("item has an unknown type", start, tag);
    const Type type{type_byte};
    if (!length_fits(type, length)) return bad("item has a wrong length for its type", start, tag);
    if (length > end - start - kHeaderBytes || padded(length) > end - start - kHeaderBytes) {
      return bad("item reaches beyond what contains it", start, tag);
    }
    if (nodes_.size() >= limits_.items) {
      return fail(ErrorCode::kExhausted, "the message has too many items", tag_text(tag, names_));
    }
    const std::size_t next = start + kHeaderBytes + padded(length);
    const std::size_t index = nodes_.size();
    nodes_.push_back(
        {tag, type, 1, input_.subspan(start, next - start), input_.subspan(start + kHeaderBytes, length)});
    if (type == Type::kStructure) {
      if (depth >= limits_.depth) {
        return fail(ErrorCode::kExhausted, "the message is nested too deeply", tag_text(tag, names_));
      }
      TRY(items(start + kHeaderBytes, next, depth + 1));
      nodes_[index].items = static_cast<std::uint32_t>(nodes_.size() - index);
    } else {
      TRY(primitive(nodes_[index], start));
    }
    return next;
  }

 private:
  Status primitive(const internal::Node& node, std::size_t start) const {
    for (const auto byte : node.encoding.subspan(kHeaderBytes + node.value.size())) {
      if (byte != 0) return bad("padding is not zero", start, node.tag);
    }
    if (node.type == Type::kBoolean && integer_of(node.value) > 1) {
      return bad("boolean is neither 0 nor 1", start, node.tag);
    }
    if (node.type == Type::kTextString && !is_utf8(node.value)) {
      return bad("text is not UTF-8", start, node.tag);
    }
    return {};
  }

  std::unexpected<Error> bad(std::string_view what, std::size_t at, Tag tag) const {
    return fail(ErrorCode::kInvalidArgument, std::string(what) + " at byte " + std::to_string(at),
                tag_text(tag, names_));
  }
  static std::unexpected<Error> bad(std::string_view what, std::size_t at) {
    return fail(ErrorCode::kInvalidArgument, std::string(what) + " at byte " + std::to_string(at), "message");
  }

  ByteView input_;
  const Limits& limits_;
  TagNames names_;
  std::vector<internal::Node>& nodes_;
};

}  // namespace

Result<Document> decode(ByteView input, const Limits& limits, TagNames names) {
  if (input.size() > limits.bytes) {
    return fail(ErrorCode::kExhausted,
                "the message is longer than " + std::to_string(limits.bytes) + " bytes", "message");
  }
  Document out;
  out.names_ = names;
  out.nodes_.reserve(std::min<std::size_t>(input.size() / 16 + 1, limits.items));
  const auto end = TRY(Decoder(input, limits, names, out.nodes_).item(0, input.size(), 0));
  if (end != input.size()) {
    return fail(ErrorCode::kInvalidArgument, "bytes are left over after the message", "message");
  }
  return out;
}

Result<std::size_t> message_size(ByteView header, std::size_t limit) {
  TW_ASSERT(header.size() == kHeaderBytes);
  ByteReader reader(header);
  const Tag tag{TRY(reader.u24("tag"))};
  const std::uint8_t type = TRY(reader.u8("type"));
  const std::size_t length = TRY(reader.u32("length"));
  if (type != static_cast<std::uint8_t>(Type::kStructure) || length % 8 != 0) {
    return fail(ErrorCode::kInvalidArgument, "not the start of a TTLV message", tag_text(tag));
  }
  if (length + kHeaderBytes > limit) {
    return fail(ErrorCode::kExhausted, "the message is longer than " + std::to_string(limit) + " bytes",
                tag_text(tag));
  }
  return length + kHeaderBytes;
}

Status Item::expect_type(Type wanted) const {
  if (type() == wanted) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the item is a " + std::string(to_string(type())) + ", not a " + std::string(to_string(wanted)),
              name());
}

Result<std::int32_t> Item::as_integer() const {
  TRY(expect_type(Type::kInteger));
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(integer_of(value())));
}

Result<std::int64_t> Item::as_long_integer() const {
  TRY(expect_type(Type::kLongInteger));
  return static_cast<std::int64_t>(integer_of(value()));
}

Result<ByteView> Item::as_big_integer() const {
  TRY(expect_type(Type::kBigInteger));
  return value();
}

Result<std::uint32_t> Item::as_enumeration() const {
  TRY(expect_type(Type::kEnumeration));
  return static_cast<std::uint32_t>(integer_of(value()));
}

Result<bool> Item::as_boolean() const {
  TRY(expect_type(Type::kBoolean));
  return integer_of(value()) == 1;
}

Result<std::string_view> Item::as_text() const {
  TRY(expect_type(Type::kTextString));
  return tapewarden::as_text(value());
}

Result<ByteView> Item::as_bytes() const {
  TRY(expect_type(Type::kByteString));
  return value();
}

Result<std::int64_t> Item::as_date_time() const {
  TRY(expect_type(Type::kDateTime));
  return static_cast<std::int64_t>(integer_of(value()));
}

Result<std::uint32_t> Item::as_interval() const {
  TRY(expect_type(Type::kInterval));
  return static_cast<std::uint32_t>(integer_of(value()));
}

Result<std::int64_t> Item::as_date_time_extended() const {
  TRY(expect_type(Type::kDateTimeExtended));
  return static_cast<std::int64_t>(integer_of(value()));
}

ItemRange Item::children() const {
  return {nodes_.subspan(1), names_};
}

std::optional<Item> Item::find(Tag tag) const {
  for (const Item child : children()) {
    if (child.tag() == tag) return child;
  }
  return std::nullopt;
}

}  // namespace tapewarden::ttlv

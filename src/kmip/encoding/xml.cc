#include "kmip/encoding/xml.h"

#include <limits>
#include <pugixml.hpp>
#include <sstream>

#include "base/concat.h"
#include "kmip/encoding/item_type.h"
#include "kmip/encoding/scalar_text.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip::encoding {
namespace {

using pugi::xml_node;
using ttlv::Item;
using ttlv::Tag;
using ttlv::Type;

constexpr char kMaskSeparator = ' ';
constexpr std::string_view kUnnamed = "TTLV";  // an element whose tag has no name

std::unexpected<Error> bad(const xml_node& node, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, concat("element ", node.name(), ": ", what), node.name());
}

class Reader {
 public:
  explicit Reader(const ttlv::Limits& limits) : limits_(limits) {}

  // `attribute`: the Attribute Name beside the element.
  Status read(const xml_node& node, std::string_view attribute, unsigned depth) {
    if (depth > limits_.depth || ++items_ > limits_.items || out_.size() > limits_.bytes) {
      return fail(ErrorCode::kExhausted, "the XML is larger or deeper than is allowed");
    }
    const auto tag = TRY(tag_of_node(node));
    const std::string_view type_name = node.attribute("type").as_string("Structure");
    const auto type = type_of(type_name);
    if (!type) return bad(node, concat("'", type_name, "' is no type"));
    if (*type == Type::kStructure) return read_structure(node, tag, depth);
    const auto value = node.attribute("value");
    if (value.empty()) return bad(node, "it has no value");
    if (auto done = read_value(tag, *type, value.value(), attribute); !done) {
      return bad(node, done.error().message);
    }
    return {};
  }

  Bytes take() { return out_.take(); }

 private:
  static Result<Tag> tag_of_node(const xml_node& node) {
    const std::string_view name = node.name();
    if (name == kUnnamed) {
      const auto number = TRY(parse_number(node.attribute("tag").as_string(), 0x420000, 0x54FFFF));
      return Tag(static_cast<std::uint32_t>(number));
    }
    if (const auto tag = kmip::tag_of(name)) return *tag;
    return bad(node, "no tag has this name");
  }

  Status read_structure(const xml_node& node, Tag tag, unsigned depth) {
    out_.begin(tag);
    std::string attribute;
    for (const auto& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      TRY(read(child, attribute, depth + 1));
      if (std::string_view(child.name()) == "AttributeName") {
        attribute = child.attribute("value").as_string();
      }
    }
    out_.end();
    return {};
  }

  Status read_value(Tag tag, Type type, std::string_view text, std::string_view attribute) {
    const ValueNames names(tag, attribute);
    switch (type) {
      case Type::kInteger:
        out_.add_integer(tag, TRY(names.parse_integer(text, kMaskSeparator)));
        break;
      case Type::kLongInteger:
        out_.add_long_integer(tag, TRY(parse_number(text, std::numeric_limits<std::int64_t>::min(),
                                                    std::numeric_limits<std::int64_t>::max())));
        break;
      case Type::kBigInteger:
        out_.add_big_integer(tag, TRY(from_hex(text)));
        break;
      case Type::kEnumeration:
        out_.add_enumeration(tag, TRY(names.parse_enumeration(text)));
        break;
      case Type::kBoolean:
        out_.add_boolean(tag, TRY(parse_boolean(text)));
        break;
      case Type::kTextString:
        out_.add_text(tag, text);
        break;
      case Type::kByteString:
        out_.add_bytes(tag, TRY(from_hex(text)));
        break;
      case Type::kDateTime:
        out_.add_date_time(tag, TRY(parse_date(text)));
        break;
      case Type::kInterval:
        out_.add_interval(tag, static_cast<std::uint32_t>(
                                   TRY(parse_number(text, 0, std::numeric_limits<std::uint32_t>::max()))));
        break;
      case Type::kDateTimeExtended:
        out_.add_date_time_extended(tag, TRY(parse_extended_date(text)));
        break;
      case Type::kStructure:
        break;
    }
    return {};
  }

  const ttlv::Limits limits_;
  ttlv::Writer out_;
  std::size_t items_ = 0;
};

std::string value_text_of(const Item& item, std::string_view attribute) {
  const ValueNames names(item.tag(), attribute);
  switch (item.type()) {
    case Type::kInteger:
      return names.integer_text(*item.as_integer(), kMaskSeparator);
    case Type::kLongInteger:
      return std::to_string(*item.as_long_integer());
    case Type::kEnumeration:
      return names.enumeration_text(*item.as_enumeration());
    case Type::kBoolean:
      return *item.as_boolean() ? "true" : "false";
    case Type::kTextString:
      return std::string(*item.as_text());
    case Type::kDateTime:
      return date_text(*item.as_date_time());
    case Type::kInterval:
      return std::to_string(*item.as_interval());
    case Type::kDateTimeExtended:
      return extended_date_text(*item.as_date_time_extended());
    case Type::kBigInteger:
    case Type::kByteString:
      return to_hex(item.value());
    case Type::kStructure:
      break;
  }
  return {};
}

void write(xml_node parent, const Item& item, std::string_view attribute) {
  const auto name = tag_name(item.tag());
  auto node = parent.append_child(name.empty() ? std::string(kUnnamed).c_str() : std::string(name).c_str());
  if (name.empty()) {
    node.append_attribute("tag") =
        concat("0x", hex_number(static_cast<std::uint32_t>(item.tag()), 6)).c_str();
  }
  if (!item.is_structure()) {
    node.append_attribute("type") = std::string(type_name(item.type())).c_str();
    node.append_attribute("value") = value_text_of(item, attribute).c_str();
    return;
  }
  std::string_view named;
  for (const Item child : item.children()) {
    write(node, child, named);
    if (child.tag() == tag::kAttributeName && child.type() == Type::kTextString) named = *child.as_text();
  }
}

}  // namespace

Result<Bytes> from_xml(std::string_view xml, const ttlv::Limits& limits) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    return fail(ErrorCode::kInvalidArgument,
                concat("no XML: ", parsed.description(), " at byte ", parsed.offset));
  }
  const auto root = document.document_element();
  if (!root) return fail(ErrorCode::kInvalidArgument, "the XML has no element");
  Reader reader(limits);
  TRY(reader.read(root, "", 1));
  return reader.take();
}

std::string to_xml(const Item& item, bool indented) {
  pugi::xml_document document;
  write(document, item, "");
  std::ostringstream out;
  document.save(out, "  ", (indented ? pugi::format_indent : pugi::format_raw) | pugi::format_no_declaration,
                pugi::encoding_utf8);
  return out.str();
}

}  // namespace tapewarden::kmip::encoding

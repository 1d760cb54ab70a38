#include "kmip/encoding/json.h"

#include <boost/json.hpp>
#include <limits>

#include "base/concat.h"
#include "kmip/encoding/item_type.h"
#include "kmip/encoding/scalar_text.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip::encoding {
namespace {

namespace json = boost::json;
using ttlv::Item;
using ttlv::Tag;
using ttlv::Type;

constexpr char kMaskSeparator = '|';
// Numbers beyond this lose digits in programs that read JSON numbers as doubles: written as hex text.
constexpr std::int64_t kExactNumber = 1LL << 52;

std::unexpected<Error> bad(std::string_view tag, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, concat(tag, ": ", what), std::string(tag));
}

Result<std::string> text_of(const json::value& value, std::string_view tag) {
  if (const auto* text = value.if_string()) return std::string(text->data(), text->size());
  return bad(tag, "its value must be a string");
}

// A number, or text that the encoding allows in its place.
Result<std::int64_t> number_of(const json::value& value, std::int64_t low, std::int64_t high) {
  if (const auto* text = value.if_string()) return parse_number({text->data(), text->size()}, low, high);
  if (const auto* number = value.if_int64(); number != nullptr && *number >= low && *number <= high) {
    return *number;
  }
  return fail(ErrorCode::kInvalidArgument, concat("it must be a number from ", low, " to ", high));
}

Result<Bytes> hex_of(const json::value& value, std::string_view tag) {
  const auto text = TRY(text_of(value, tag));
  const std::string_view digits = text;
  return from_hex(digits.starts_with("0x") ? digits.substr(2) : digits);
}

class Reader {
 public:
  explicit Reader(const ttlv::Limits& limits) : limits_(limits) {}

  Status read(const json::value& node, std::string_view attribute, unsigned depth) {
    if (depth > limits_.depth || ++items_ > limits_.items || out_.size() > limits_.bytes) {
      return fail(ErrorCode::kExhausted, "the JSON is larger or deeper than is allowed");
    }
    const auto* object = node.if_object();
    if (object == nullptr) return fail(ErrorCode::kInvalidArgument, "every item must be an object");
    const auto* name = object->if_contains("tag");
    const auto* value = object->if_contains("value");
    if (name == nullptr || value == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "every item needs a tag and a value");
    }
    const auto tag_text = TRY(text_of(*name, "tag"));
    const auto tag = TRY(tag_named(tag_text));
    const auto* type_value = object->if_contains("type");
    const auto type_text = type_value != nullptr ? TRY(text_of(*type_value, "type")) : "Structure";
    const auto type = type_of(type_text);
    if (!type) return bad(tag_text, concat("'", type_text, "' is no type"));
    if (*type == Type::kStructure) return read_structure(*value, tag_text, tag, depth);
    if (auto done = read_value(tag, *type, *value, attribute, tag_text); !done) {
      return bad(tag_text, done.error().message);
    }
    return {};
  }

  Bytes take() { return out_.take(); }

 private:
  static Result<Tag> tag_named(std::string_view name) {
    if (name.starts_with("0x")) {
      return Tag(static_cast<std::uint32_t>(TRY(parse_number(name, 0x420000, 0x54FFFF))));
    }
    if (const auto tag = kmip::tag_of(name)) return *tag;
    return bad(name, "no tag has this name");
  }

  static std::string attribute_name(const json::value& node, std::string_view otherwise) {
    const auto* object = node.if_object();
    const auto* tag = object != nullptr ? object->if_contains("tag") : nullptr;
    const auto* value = object != nullptr ? object->if_contains("value") : nullptr;
    if (tag == nullptr || value == nullptr || *tag != "AttributeName" || !value->is_string()) {
      return std::string(otherwise);
    }
    return std::string(std::string_view(value->get_string()));
  }

  Status read_structure(const json::value& value, std::string_view name, Tag tag, unsigned depth) {
    const auto* items = value.if_array();
    if (items == nullptr) return bad(name, "a structure's value must be an array");
    out_.begin(tag);
    std::string attribute;
    for (const auto& child : *items) {
      TRY(read(child, attribute, depth + 1));
      attribute = attribute_name(child, attribute);
    }
    out_.end();
    return {};
  }

  Result<std::uint32_t> enumeration(const ValueNames& names, const json::value& value) {
    if (const auto* text = value.if_string()) {
      return names.parse_enumeration({text->data(), text->size()});
    }
    return static_cast<std::uint32_t>(TRY(number_of(value, 0, std::numeric_limits<std::uint32_t>::max())));
  }

  Result<std::int32_t> integer(const ValueNames& names, const json::value& value) {
    if (const auto* text = value.if_string()) {
      return names.parse_integer({text->data(), text->size()}, kMaskSeparator);
    }
    return static_cast<std::int32_t>(TRY(number_of(value, std::numeric_limits<std::int32_t>::min(),
                                                   std::numeric_limits<std::int32_t>::max())));
  }

  static Result<bool> boolean(const json::value& value) {
    if (const auto* flag = value.if_bool()) return *flag;
    return TRY(parse_number(TRY(text_of(value, "a boolean")), 0, 1)) == 1;
  }

  Status read_value(Tag tag, Type type, const json::value& value, std::string_view attribute,
                    std::string_view name);

  const ttlv::Limits limits_;
  ttlv::Writer out_;
  std::size_t items_ = 0;
};

Status Reader::read_value(Tag tag, Type type, const json::value& value, std::string_view attribute,
                          std::string_view name) {
  const ValueNames names(tag, attribute);
  switch (type) {
    case Type::kInteger:
      out_.add_integer(tag, TRY(integer(names, value)));
      break;
    case Type::kLongInteger:
      out_.add_long_integer(tag, TRY(number_of(value, std::numeric_limits<std::int64_t>::min(),
                                               std::numeric_limits<std::int64_t>::max())));
      break;
    case Type::kBigInteger:
      out_.add_big_integer(tag, TRY(hex_of(value, name)));
      break;
    case Type::kEnumeration:
      out_.add_enumeration(tag, TRY(enumeration(names, value)));
      break;
    case Type::kBoolean:
      out_.add_boolean(tag, TRY(boolean(value)));
      break;
    case Type::kTextString:
      out_.add_text(tag, TRY(text_of(value, name)));
      break;
    case Type::kByteString:
      out_.add_bytes(tag, TRY(hex_of(value, name)));
      break;
    case Type::kDateTime:
      out_.add_date_time(tag, TRY(parse_date(TRY(text_of(value, name)))));
      break;
    case Type::kInterval:
      out_.add_interval(tag, static_cast<std::uint32_t>(
                                 TRY(number_of(value, 0, std::numeric_limits<std::uint32_t>::max()))));
      break;
    case Type::kDateTimeExtended:
      out_.add_date_time_extended(tag, TRY(parse_extended_date(TRY(text_of(value, name)))));
      break;
    case Type::kStructure:
      break;
  }
  return {};
}

json::value value_of_item(const Item& item, std::string_view attribute) {
  const ValueNames names(item.tag(), attribute);
  switch (item.type()) {
    case Type::kInteger: {
      const auto number = *item.as_integer();
      const auto text = names.integer_text(number, kMaskSeparator);
      if (text == std::to_string(number)) return number;
      return json::value(text);
    }
    case Type::kLongInteger: {
      const auto number = *item.as_long_integer();
      if (number > -kExactNumber && number < kExactNumber) return number;
      return json::value(concat("0x", hex_number(static_cast<std::uint64_t>(number), 16)));
    }
    case Type::kEnumeration:
      return json::value(names.enumeration_text(*item.as_enumeration()));
    case Type::kBoolean:
      return *item.as_boolean();
    case Type::kTextString:
      return json::value(*item.as_text());
    case Type::kDateTime:
      return json::value(date_text(*item.as_date_time()));
    case Type::kInterval:
      return *item.as_interval();
    case Type::kDateTimeExtended:
      return json::value(extended_date_text(*item.as_date_time_extended()));
    case Type::kBigInteger:
      return json::value("0x" + to_hex(item.value()));
    case Type::kByteString:
      return json::value(to_hex(item.value()));
    case Type::kStructure:
      break;
  }
  return nullptr;
}

json::object object_of(const Item& item, std::string_view attribute) {
  const auto name = tag_name(item.tag());
  json::object out;
  out["tag"] =
      name.empty() ? concat("0x", hex_number(static_cast<std::uint32_t>(item.tag()), 6)) : std::string(name);
  if (!item.is_structure()) {
    out["type"] = type_name(item.type());
    out["value"] = value_of_item(item, attribute);
    return out;
  }
  json::array children;
  std::string_view named;
  for (const Item child : item.children()) {
    children.push_back(object_of(child, named));
    if (child.tag() == tag::kAttributeName && child.type() == Type::kTextString) named = *child.as_text();
  }
  out["value"] = std::move(children);
  return out;
}

}  // namespace

Result<Bytes> from_json(std::string_view text, const ttlv::Limits& limits) {
  json::error_code error;
  const auto document = json::parse({text.data(), text.size()}, error);
  if (error) return fail(ErrorCode::kInvalidArgument, concat("no JSON: ", error.message()));
  Reader reader(limits);
  TRY(reader.read(document, "", 1));
  return reader.take();
}

std::string to_json(const Item& item) {
  return json::serialize(object_of(item, ""));
}

}  // namespace tapewarden::kmip::encoding

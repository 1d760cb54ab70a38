#include "kmip/attributes.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/concat.h"
#include "kmip/limits.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::string_view kClientPrefix = "x-";
constexpr std::string_view kServerPrefix = "y-";

// The single item of an attribute. Encoded by this program: it decodes.
template <typename Value, typename Get>
std::optional<Value> value_of(const Attribute* attribute, Get get) {
  if (attribute == nullptr) return std::nullopt;
  const auto document = ttlv::decode(attribute->item);
  if (!document) return std::nullopt;
  auto value = get(document->root());
  if (!value) return std::nullopt;
  return Value(*std::move(value));
}

}  // namespace

AttributeId AttributeId::of_vendor(std::string_view vendor, std::string_view name) {
  return {tag::kAttribute, std::string(vendor), std::string(name)};
}

Result<AttributeId> AttributeId::of_name(std::string_view name, const ProtocolVersion& version) {
  if (name.size() > kMaximumAttributeName) {
    return refuse(ResultReason::kInvalidField,
                  concat("the attribute's name is longer than ", kMaximumAttributeName, " bytes"),
                  "Attribute Name");
  }
  for (const auto prefix : {kClientPrefix, kServerPrefix}) {
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
      return of_vendor(prefix.substr(0, 1), name.substr(prefix.size()));
    }
  }
  const auto* kind = attribute_kind(name);
  if (kind == nullptr || !kind->known_to(version)) {
    return refuse(ResultReason::kInvalidField,
                  concat("KMIP ", to_string(version), " has no attribute of this name"), "Attribute Name");
  }
  return of(kind->tag);
}

bool AttributeId::is_vendor() const {
  return tag == tag::kAttribute;
}

const AttributeKind* AttributeId::kind() const {
  return is_vendor() ? nullptr : attribute_kind(tag);
}

std::string AttributeId::text() const {
  if (is_vendor()) return vendor + "-" + name;
  const auto* known = kind();
  return known != nullptr ? std::string(known->name) : ttlv::tag_text(tag);
}

const Attribute* AttributeSet::find(const AttributeId& id) const {
  const auto found = std::ranges::find(values_, id, &Attribute::id);
  return found != values_.end() ? &*found : nullptr;
}

const Attribute* AttributeSet::find(const AttributeId& id, std::int32_t index) const {
  const auto found = std::ranges::find_if(
      values_, [&](const Attribute& value) { return value.index == index && value.id == id; });
  return found != values_.end() ? &*found : nullptr;
}

std::vector<const Attribute*> AttributeSet::find_all(const AttributeId& id) const {
  std::vector<const Attribute*> out;
  for (const auto& value : values_) {
    if (value.id == id) out.push_back(&value);
  }
  return out;
}

bool AttributeSet::has(const AttributeId& id, ByteView item) const {
  return std::ranges::any_of(
      values_, [&](const Attribute& value) { return value.id == id && equal(value.item, item); });
}

void AttributeSet::add(const AttributeId& id, Bytes item) {
  std::int32_t next = 0;
  for (const auto* value : find_all(id)) next = std::max(next, value->index + 1);
  const auto* kind = id.kind();
  TW_ASSERT(next == 0 || kind == nullptr || kind->many);
  values_.push_back({id, next, std::move(item)});
}

void AttributeSet::set(const AttributeId& id, Bytes item) {
  remove_all(id);
  values_.push_back({id, 0, std::move(item)});
}

bool AttributeSet::replace(const AttributeId& id, std::int32_t index, Bytes item) {
  const auto found = std::ranges::find_if(
      values_, [&](const Attribute& value) { return value.index == index && value.id == id; });
  if (found == values_.end()) return false;
  found->item = std::move(item);
  return true;
}

bool AttributeSet::remove(const AttributeId& id, std::int32_t index) {
  return std::erase_if(values_,
                       [&](const Attribute& value) { return value.index == index && value.id == id; }) != 0;
}

std::size_t AttributeSet::remove_all(const AttributeId& id) {
  return std::erase_if(values_, [&](const Attribute& value) { return value.id == id; });
}

Bytes AttributeSet::encode() const {
  ByteWriter out;
  out.u8(kFormat).u16(static_cast<std::uint16_t>(values_.size()));
  for (const auto& value : values_) {
    out.u24(static_cast<std::uint32_t>(value.id.tag));
    out.bytes16(as_bytes(value.id.vendor)).bytes16(as_bytes(value.id.name));
    out.u32(static_cast<std::uint32_t>(value.index)).bytes32(value.item);
  }
  return out.take();
}

Result<AttributeSet> AttributeSet::decode(ByteView bytes) {
  ByteReader in(bytes);
  const auto format = TRY(in.u8("format of attributes"));
  if (format != kFormat) {
    return fail(ErrorCode::kCorrupt, concat("attributes of the unknown format ", format));
  }
  AttributeSet out;
  const auto count = TRY(in.u16("number of attributes"));
  for (std::uint16_t i = 0; i < count; ++i) {
    Attribute value;
    value.id.tag = ttlv::Tag(TRY(in.u24("tag")));
    value.id.vendor = as_text(TRY(in.bytes16(kMaximumAttributeName, "vendor")));
    value.id.name = as_text(TRY(in.bytes16(kMaximumAttributeName, "name")));
    value.index = static_cast<std::int32_t>(TRY(in.u32("index")));
    value.item = to_bytes(TRY(in.bytes32(kMaximumObjectBytes, "value")));
    out.values_.push_back(std::move(value));
  }
  TRY(in.expect_done("attributes"));
  return out;
}

std::optional<std::int32_t> integer_of(const Attribute* attribute) {
  return value_of<std::int32_t>(attribute, [](const ttlv::Item& item) { return item.as_integer(); });
}

std::optional<std::uint32_t> enumeration_of(const Attribute* attribute) {
  return value_of<std::uint32_t>(attribute, [](const ttlv::Item& item) { return item.as_enumeration(); });
}

std::optional<std::int64_t> date_of(const Attribute* attribute) {
  return value_of<std::int64_t>(attribute, [](const ttlv::Item& item) { return item.as_date_time(); });
}

std::optional<bool> boolean_of(const Attribute* attribute) {
  return value_of<bool>(attribute, [](const ttlv::Item& item) { return item.as_boolean(); });
}

std::optional<std::string> text_of(const Attribute* attribute) {
  return value_of<std::string>(attribute, [](const ttlv::Item& item) { return item.as_text(); });
}

Bytes integer_item(ttlv::Tag tag, std::int32_t value) {
  return ttlv::Writer().add_integer(tag, value).take();
}

Bytes enumeration_item(ttlv::Tag tag, std::uint32_t value) {
  return ttlv::Writer().add_enumeration(tag, value).take();
}

Bytes date_item(ttlv::Tag tag, std::int64_t seconds) {
  return ttlv::Writer().add_date_time(tag, seconds).take();
}

Bytes boolean_item(ttlv::Tag tag, bool value) {
  return ttlv::Writer().add_boolean(tag, value).take();
}

Bytes text_item(ttlv::Tag tag, std::string_view value) {
  return ttlv::Writer().add_text(tag, value).take();
}

Bytes bytes_item(ttlv::Tag tag, ByteView value) {
  return ttlv::Writer().add_bytes(tag, value).take();
}

Bytes interval_item(ttlv::Tag tag, std::uint32_t seconds) {
  return ttlv::Writer().add_interval(tag, seconds).take();
}

}  // namespace tapewarden::kmip

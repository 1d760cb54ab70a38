#include "keymgr/objects/object_terms.h"

#include <algorithm>

#include "crypto/hash.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;
constexpr std::string_view kPurpose = "tapewarden object term 1";
constexpr std::size_t kTermBytes = 16;
constexpr std::string_view kTapeNamespace = "LIBRARY-LTO";

bool finds_objects(const kmip::AttributeId& id) {
  return id.is_vendor() || id.tag == tag::kName || id.tag == tag::kApplicationSpecificInformation ||
         id.tag == tag::kAlternativeName || id.tag == tag::kObjectGroup || id.tag == tag::kLink;
}

}  // namespace

// "HPE-LIBRARY-LTO6" → "LIBRARY-LTO6".
std::string_view compared_namespace(std::string_view name) {
  const auto at = name.find(kTapeNamespace);
  const bool prefixed = at != std::string_view::npos && at > 1 && name[at - 1] == '-';
  return prefixed ? name.substr(at) : name;
}

bool is_tape_namespace(std::string_view name) {
  return compared_namespace(name).starts_with(kTapeNamespace);
}

bool names_a_cartridge(const kmip::Attribute& attribute) {
  if (attribute.id.tag != tag::kApplicationSpecificInformation) return false;
  const auto document = ttlv::decode(attribute.item);
  const auto space = document ? document->root().find(tag::kApplicationNamespace) : std::nullopt;
  return space && space->as_text() && is_tape_namespace(*space->as_text());
}

Bytes compared_item(const kmip::AttributeId& id, ByteView item) {
  if (id.tag != tag::kApplicationSpecificInformation) return to_bytes(item);
  const auto document = ttlv::decode(item);
  if (!document) return to_bytes(item);
  const auto space = document->root().find(tag::kApplicationNamespace);
  const auto data = document->root().find(tag::kApplicationData);
  if (!space || !data || !space->as_text() || !data->as_text()) return to_bytes(item);
  ttlv::Writer out;
  out.begin(id.tag);
  out.add_text(tag::kApplicationNamespace, compared_namespace(*space->as_text()));
  out.add_text(tag::kApplicationData, *data->as_text());
  out.end();
  return out.take();
}

std::optional<Bytes> term_of(std::string_view owner, const kmip::AttributeId& id, ByteView item) {
  if (!finds_objects(id)) return std::nullopt;
  ByteWriter out;
  out.bytes32(as_bytes(kPurpose)).bytes32(as_bytes(owner)).u24(static_cast<std::uint32_t>(id.tag));
  out.bytes32(as_bytes(id.vendor)).bytes32(as_bytes(id.name)).bytes32(compared_item(id, item));
  const auto hash = crypto::sha256(out.view());
  return to_bytes(ByteView(hash).first(kTermBytes));
}

std::vector<Bytes> terms_of(std::string_view owner, const kmip::AttributeSet& attributes) {
  std::vector<Bytes> out;
  for (const auto& attribute : attributes.all()) {
    if (auto term = term_of(owner, attribute.id, attribute.item)) out.push_back(*std::move(term));
  }
  std::ranges::sort(out);
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

store::Row term_row(const Bytes& term, const ManagedObject& object) {
  return RowWriter(kObjectTermTable).blob(term).uuid(object.id).time(object.times.created).take();
}

}  // namespace tapewarden::keymgr

// A KMIP request: header and batch, the attributes within its payloads, and the objects, which come out as
// they went in.
#include "fuzz.h"
#include "kmip/attribute_wire.h"
#include "kmip/message.h"
#include "kmip/names.h"
#include "kmip/object_value.h"
#include "kmip/tags.h"

namespace {

using namespace tapewarden;

void read_parts(const ttlv::Item& payload, const kmip::ProtocolVersion& version) {
  for (const ttlv::Item child : payload.children()) {
    (void)kmip::read_attribute(child, version);
    (void)kmip::read_attributes(child, version);
    (void)kmip::read_attribute_name(child, version);
  }
  const auto type = payload.find(kmip::tag::kObjectType);
  const auto number = type ? type->as_enumeration() : Result<std::uint32_t>(0U);
  const auto tag = kmip::tag_of_object(number.value_or(0));
  const auto object = tag ? payload.find(*tag) : std::nullopt;
  if (!object) return;
  const auto value = kmip::read_object(kmip::ObjectType(*number), *object);
  if (!value) return;
  ttlv::Writer out;
  kmip::write_object(out, value->content, value->secret.reveal());
  const auto again = out.take();
  const auto document = ttlv::decode(again);
  TW_ASSERT(document && document->root().tag() == *tag);
  const auto once_more = kmip::read_object(kmip::ObjectType(*number), document->root());
  TW_ASSERT(once_more && once_more->secret == value->secret);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto document = ttlv::decode(input, {.bytes = 1U << 16, .depth = 24, .items = 4096}, kmip::tag_name);
  if (!document) return 0;
  (void)kmip::version_of(*document);
  const auto request = kmip::decode_request(*document);
  if (!request) return 0;
  for (const auto& item : request->batch) read_parts(item.payload, request->header.version);
  return 0;
}

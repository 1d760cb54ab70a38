#include "kmip_messages.h"

#include <functional>

#include "base/concat.h"
#include "kmip/client/server_end.h"
#include "kmip/enumerations.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::bench::kmip14 {
namespace {

namespace tag = kmip::tag;
using kmip::Operation;
using Fields = std::function<void(ttlv::Writer&)>;

constexpr std::size_t kApplicationCharacters = 184;
constexpr std::size_t kKeyBytes = 32;

using Asked = kmip::ServerEnd::Question;

Bytes message(const std::vector<Asked>& batch) {
  return kmip::request_of({1, 4}, nullptr, batch);
}

void add_attribute(ttlv::Writer& out, std::string_view name, const Fields& value) {
  out.begin(tag::kAttribute).add_text(tag::kAttributeName, name);
  value(out);
  out.end();
}

void add_application_data(ttlv::Writer& out, const std::string& data) {
  add_attribute(out, "Application Specific Information", [&](ttlv::Writer& value) {
    value.add_encoded(application_item(tag::kAttributeValue, data));
  });
}

// The payload of the answer's last item, where that is a good one.
Result<ttlv::Item> payload_of(const ttlv::Document& document) {
  std::optional<ttlv::Item> item;
  for (const ttlv::Item child : document.root().children()) {
    if (child.tag() == tag::kBatchItem) item = child;
  }
  const auto status = item ? item->find(tag::kResultStatus) : std::nullopt;
  if (!status) return fail(ErrorCode::kCorrupt, "that is no answer");
  if (TRY(status->as_enumeration()) != 0) {
    const auto why = item->find(tag::kResultMessage);
    return fail(ErrorCode::kCorrupt, why && why->as_text() ? std::string(*why->as_text()) : "it was refused");
  }
  const auto payload = item->find(tag::kResponsePayload);
  if (payload) return *payload;
  return fail(ErrorCode::kCorrupt, "an answer without a payload");
}

Asked creation(const std::string& application_data) {
  return {Operation::kCreate, [application_data](ttlv::Writer& out) {
            out.add_enumeration(tag::kObjectType, kmip::ObjectType::kSymmetricKey);
            out.begin(tag::kTemplateAttribute);
            add_attribute(out, "Cryptographic Algorithm", [](ttlv::Writer& value) {
              value.add_enumeration(tag::kAttributeValue, kmip::CryptographicAlgorithm::kAES);
            });
            add_attribute(out, "Cryptographic Length",
                          [](ttlv::Writer& value) { value.add_integer(tag::kAttributeValue, 256); });
            add_attribute(out, "Cryptographic Usage Mask",
                          [](ttlv::Writer& value) { value.add_integer(tag::kAttributeValue, 12); });
            add_application_data(out, application_data);
            out.end();
          }};
}

}  // namespace

std::string application_data(std::uint64_t number) {
  auto digits = std::to_string(number);
  return std::string(kApplicationCharacters - digits.size(), '0') + digits;
}

Bytes application_item(ttlv::Tag tag, const std::string& data) {
  ttlv::Writer out;
  out.begin(tag).add_text(tag::kApplicationNamespace, "LIBRARY-LTO5");
  return out.add_text(tag::kApplicationData, data).end().take();
}

Bytes create(const std::string& application_data) {
  return message({creation(application_data)});
}

Bytes create_and_get(const std::string& application_data) {
  return message({creation(application_data), {Operation::kGet, [](ttlv::Writer&) {}}});
}

Bytes get(const std::string& id) {
  return message({{Operation::kGet, [&](ttlv::Writer& out) { out.add_text(tag::kUniqueIdentifier, id); }}});
}

Bytes locate(const std::string& application_data) {
  return message({{Operation::kLocate, [&](ttlv::Writer& out) {
                     add_attribute(out, "Object Type", [](ttlv::Writer& value) {
                       value.add_enumeration(tag::kAttributeValue, kmip::ObjectType::kSymmetricKey);
                     });
                     add_application_data(out, application_data);
                   }}});
}

Result<std::string> identifier_in(ByteView answer) {
  const auto document = TRY(ttlv::decode(answer));
  const auto id = TRY(payload_of(document)).find(tag::kUniqueIdentifier);
  if (id) return std::string(TRY(id->as_text()));
  return fail(ErrorCode::kCorrupt, "an answer without an identifier");
}

Status check_key(ByteView answer) {
  const auto document = TRY(ttlv::decode(answer));
  std::optional<ttlv::Item> at = TRY(payload_of(document));
  for (const auto below : {tag::kSymmetricKey, tag::kKeyBlock, tag::kKeyValue, tag::kKeyMaterial}) {
    if (at) at = at->find(below);
  }
  if (at && TRY(at->as_bytes()).size() == kKeyBytes) return {};
  return fail(ErrorCode::kCorrupt, "an answer without a key");
}

}  // namespace tapewarden::bench::kmip14

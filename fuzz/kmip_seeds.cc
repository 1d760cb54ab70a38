#include "kmip_seeds.h"

#include <functional>

#include "kmip/enumerations.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace {

using namespace tapewarden;

class KmipMessage {
 public:
  KmipMessage(std::uint8_t peer, std::int32_t major, std::int32_t minor, std::int32_t items) {
    peer_ = peer;
    out_.begin(kmip::tag::kRequestMessage).begin(kmip::tag::kRequestHeader);
    out_.begin(kmip::tag::kProtocolVersion).add_integer(kmip::tag::kProtocolVersionMajor, major);
    out_.add_integer(kmip::tag::kProtocolVersionMinor, minor).end();
    out_.add_boolean(kmip::tag::kBatchOrderOption, true).add_integer(kmip::tag::kBatchCount, items).end();
  }
  KmipMessage& item(kmip::Operation operation, const std::function<void(ttlv::Writer&)>& payload) {
    out_.begin(kmip::tag::kBatchItem).add_enumeration(kmip::tag::kOperation, operation);
    out_.add_bytes(kmip::tag::kUniqueBatchItemID, Bytes{++items_}).begin(kmip::tag::kRequestPayload);
    payload(out_);
    out_.end().end();
    return *this;
  }
  Bytes take() { return ByteWriter().u8(peer_).bytes(out_.end().take()).take(); }

 private:
  ttlv::Writer out_;
  std::uint8_t peer_ = 0;
  std::uint8_t items_ = 0;
};

void add_application_data(ttlv::Writer& out) {
  out.begin(kmip::tag::kApplicationSpecificInformation);
  out.add_text(kmip::tag::kApplicationNamespace, "LIBRARY-LTO");
  out.add_text(kmip::tag::kApplicationData, "0A0B").end();
}

void add_attribute(ttlv::Writer& out, std::string_view name,
                   const std::function<void(ttlv::Writer&)>& value) {
  out.begin(kmip::tag::kAttribute).add_text(kmip::tag::kAttributeName, name);
  value(out);
  out.end();
}

void create_2(ttlv::Writer& out) {
  out.add_enumeration(kmip::tag::kObjectType, kmip::ObjectType::kSymmetricKey).begin(kmip::tag::kAttributes);
  out.add_enumeration(kmip::tag::kCryptographicAlgorithm, kmip::CryptographicAlgorithm::kAES);
  out.add_integer(kmip::tag::kCryptographicLength, 256).add_integer(kmip::tag::kCryptographicUsageMask, 12);
  add_application_data(out);
  out.end();
}

void create_1(ttlv::Writer& out) {
  out.add_enumeration(kmip::tag::kObjectType, kmip::ObjectType::kSymmetricKey);
  out.begin(kmip::tag::kTemplateAttribute);
  add_attribute(out, "Cryptographic Algorithm", [](ttlv::Writer& value) {
    value.add_enumeration(kmip::tag::kAttributeValue, kmip::CryptographicAlgorithm::kAES);
  });
  add_attribute(out, "Cryptographic Length",
                [](ttlv::Writer& value) { value.add_integer(kmip::tag::kAttributeValue, 128); });
  add_attribute(out, "Cryptographic Usage Mask",
                [](ttlv::Writer& value) { value.add_integer(kmip::tag::kAttributeValue, 12); });
  add_attribute(out, "x-Barcode",
                [](ttlv::Writer& value) { value.add_text(kmip::tag::kAttributeValue, "TAPE01"); });
  out.end();
}

}  // namespace

std::vector<Bytes> kmip_seeds() {
  using kmip::Operation;
  std::vector<Bytes> messages;
  const auto nothing = [](ttlv::Writer&) {};
  const auto locate = [](ttlv::Writer& out) {
    out.begin(kmip::tag::kAttributes);
    add_application_data(out);
    out.end();
  };
  for (const std::uint8_t peer : {std::uint8_t{0}, std::uint8_t{1}}) {
    messages.push_back(
        KmipMessage(peer, 2, 1, 2).item(Operation::kCreate, create_2).item(Operation::kGet, nothing).take());
    messages.push_back(
        KmipMessage(peer, 1, 4, 2).item(Operation::kCreate, create_1).item(Operation::kGet, nothing).take());
  }
  messages.push_back(
      KmipMessage(1, 2, 1, 2).item(Operation::kLocate, locate).item(Operation::kGet, nothing).take());
  messages.push_back(KmipMessage(1, 2, 0, 3)
                         .item(Operation::kCreate, create_2)
                         .item(Operation::kGetAttributeList, nothing)
                         .item(Operation::kDestroy, nothing)
                         .take());
  messages.push_back(KmipMessage(1, 1, 0, 3)
                         .item(Operation::kCreate, create_1)
                         .item(Operation::kActivate, nothing)
                         .item(Operation::kGetAttributes, nothing)
                         .take());
  messages.push_back(KmipMessage(1, 1, 2, 1)
                         .item(Operation::kQuery,
                               [](ttlv::Writer& out) {
                                 out.add_enumeration(kmip::tag::kQueryFunction,
                                                     kmip::QueryFunction::kQueryOperations);
                               })
                         .take());
  messages.push_back(KmipMessage(1, 1, 4, 1).item(Operation::kDiscoverVersions, nothing).take());
  return messages;
}

#include "kmip/kmip_link.h"

#include "base/concat.h"

namespace tapewarden::testing {

namespace tag = kmip::tag;

namespace {

constexpr std::chrono::milliseconds kDeadline{30'000};

Result<Answered> read_item(const ttlv::Item& item) {
  Answered out;
  const auto status = item.find(tag::kResultStatus);
  if (!status) return fail(ErrorCode::kCorrupt, "a batch item without a Result Status");
  out.status = TRY(status->as_enumeration());
  if (const auto reason = item.find(tag::kResultReason)) out.reason = TRY(reason->as_enumeration());
  if (const auto message = item.find(tag::kResultMessage)) out.message = TRY(message->as_text());
  if (const auto payload = item.find(tag::kResponsePayload)) out.payload = to_bytes(payload->encoding());
  return out;
}

void write_application_data(ttlv::Writer& out, const std::string& data) {
  out.begin(tag::kApplicationSpecificInformation);
  out.add_text(tag::kApplicationNamespace, "LIBRARY-LTO").add_text(tag::kApplicationData, data).end();
}

}  // namespace

std::string Answered::text(ttlv::Tag wanted) const {
  const auto document = ttlv::decode(payload);
  const auto item = document ? document->root().find(wanted) : std::nullopt;
  const auto text = item ? item->as_text() : Result<std::string_view>(std::string_view());
  return text ? std::string(*text) : std::string();
}

std::size_t Answered::count(ttlv::Tag wanted) const {
  std::size_t out = 0;
  const auto document = ttlv::decode(payload);
  if (!document) return 0;
  for (const ttlv::Item item : document->root().children()) out += item.tag() == wanted ? 1U : 0U;
  return out;
}

Bytes Answered::key() const {
  const auto document = ttlv::decode(payload);
  if (!document) return {};
  std::optional<ttlv::Item> at = document->root();
  for (const auto below : {tag::kSymmetricKey, tag::kKeyBlock, tag::kKeyValue, tag::kKeyMaterial}) {
    at = at->find(below);
    if (!at) return {};
  }
  const auto bytes = at->as_bytes();
  return bytes ? to_bytes(*bytes) : Bytes();
}

Result<net::TlsContext> client_tls(TestSite& site, const Identity& identity) {
  net::TlsConfig tls = TRY(net::read_tls_files(site.disk(), {{}, {}, site.path("ca/authority.crt")}));
  tls.chain = {identity.certificate};
  tls.key = identity.key;
  return net::TlsContext::client(tls);
}

Result<net::FramedClientOptions> kmip_client(TestSite& site, std::uint16_t port, const Identity& identity) {
  net::FramedClientOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.tls = TRY(client_tls(site, identity));
  options.connect_deadline = kDeadline;
  return options;
}

Result<KmipLink> KmipLink::connect(TestSite& site, std::uint16_t port, const Identity& identity) {
  return KmipLink(TRY(net::BlockingClient::connect(site.loop(), TRY(kmip_client(site, port, identity)))));
}

Bytes encode_message(const std::vector<Asked>& batch, const std::string& user, const std::string& password) {
  ttlv::Writer out;
  out.begin(tag::kRequestMessage).begin(tag::kRequestHeader);
  out.begin(tag::kProtocolVersion);
  out.add_integer(tag::kProtocolVersionMajor, 2).add_integer(tag::kProtocolVersionMinor, 1).end();
  if (!user.empty()) {
    out.begin(tag::kAuthentication).begin(tag::kCredential);
    out.add_enumeration(tag::kCredentialType, kmip::CredentialType::kUsernameAndPassword);
    out.begin(tag::kCredentialValue).add_text(tag::kUsername, user).add_text(tag::kPassword, password).end();
    out.end().end();
  }
  out.add_boolean(tag::kBatchOrderOption, true);
  out.add_integer(tag::kBatchCount, static_cast<std::int32_t>(batch.size())).end();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    out.begin(tag::kBatchItem).add_enumeration(tag::kOperation, batch[i].operation);
    if (batch.size() > 1) out.add_bytes(tag::kUniqueBatchItemID, Bytes{static_cast<std::uint8_t>(i)});
    out.begin(tag::kRequestPayload);
    batch[i].payload(out);
    out.end().end();
  }
  out.end();
  return out.take();
}

Result<std::vector<Answered>> read_answers(ByteView answer) {
  const auto document = TRY(ttlv::decode(answer));
  std::vector<Answered> out;
  for (const ttlv::Item item : document.root().children()) {
    if (item.tag() == tag::kBatchItem) out.push_back(TRY(read_item(item)));
  }
  return out;
}

Result<std::vector<Answered>> KmipLink::ask(const std::vector<Asked>& batch) {
  return read_answers(TRY(client_.call(encode_message(batch, user_, password_), kDeadline)));
}

Result<Answered> KmipLink::ask(const Asked& item) {
  auto answers = TRY(ask(std::vector<Asked>{item}));
  if (answers.size() == 1) return std::move(answers.front());
  return fail(ErrorCode::kCorrupt, concat(answers.size(), " answers to one item"));
}

Asked create_key(const std::string& data, const std::string& barcode) {
  return {kmip::Operation::kCreate, [=](ttlv::Writer& out) {
            out.add_enumeration(tag::kObjectType, kmip::ObjectType::kSymmetricKey);
            out.begin(tag::kAttributes);
            out.add_enumeration(tag::kCryptographicAlgorithm, kmip::CryptographicAlgorithm::kAES);
            out.add_integer(tag::kCryptographicLength, 256).add_integer(tag::kCryptographicUsageMask, 12);
            out.begin(tag::kAlternativeName).add_text(tag::kAlternativeNameValue, barcode);
            out.add_enumeration(tag::kAlternativeNameType,
                                kmip::AlternativeNameType::kUninterpretedTextString);
            out.end();
            write_application_data(out, data);
            out.end();
          }};
}

Asked locate_key(const std::string& data) {
  return {kmip::Operation::kLocate, [=](ttlv::Writer& out) {
            out.begin(tag::kAttributes);
            out.add_enumeration(tag::kObjectType, kmip::ObjectType::kSymmetricKey);
            write_application_data(out, data);
            out.end();
          }};
}

Asked by_id(kmip::Operation operation, const std::string& id) {
  return {operation, [=](ttlv::Writer& out) {
            if (!id.empty()) out.add_text(tag::kUniqueIdentifier, id);
          }};
}

Asked get_key(const std::string& id) {
  return by_id(kmip::Operation::kGet, id);
}

}  // namespace tapewarden::testing

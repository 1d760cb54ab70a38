// KMIP over HTTPS as a client meets it: messages as XML, JSON and TTLV in the bodies of POST.
#include <gmock/gmock.h>

#include "base/concat.h"
#include "kmip/kmip_site.h"
#include "net/http.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::milliseconds kDeadline{30'000};

std::string xml_message(std::string_view items, int count) {
  return concat(
      R"(<?xml version="1.0" encoding="utf-8"?><RequestMessage><RequestHeader><ProtocolVersion>)",
      R"(<ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>)",
      R"(</ProtocolVersion><BatchCount type="Integer" value=")", count, R"("/></RequestHeader>)", items,
      "</RequestMessage>");
}

constexpr std::string_view kCreateAndGet =
    R"(<BatchItem><Operation type="Enumeration" value="Create"/><UniqueBatchItemID type="ByteString" value="01"/>)"
    R"(<RequestPayload><ObjectType type="Enumeration" value="SymmetricKey"/><TemplateAttribute><Attribute>)"
    R"(<AttributeName type="TextString" value="Cryptographic Algorithm"/>)"
    R"(<AttributeValue type="Enumeration" value="AES"/></Attribute><Attribute>)"
    R"(<AttributeName type="TextString" value="Cryptographic Length"/>)"
    R"(<AttributeValue type="Integer" value="256"/></Attribute><Attribute>)"
    R"(<AttributeName type="TextString" value="Cryptographic Usage Mask"/>)"
    R"(<AttributeValue type="Integer" value="Decrypt Encrypt"/></Attribute></TemplateAttribute>)"
    R"(</RequestPayload></BatchItem>)"
    R"(<BatchItem><Operation type="Enumeration" value="Get"/><UniqueBatchItemID type="ByteString" value="02"/>)"
    R"(<RequestPayload/></BatchItem>)";

constexpr std::string_view kJsonQuery =
    R"({"tag":"RequestMessage","value":[{"tag":"RequestHeader","value":[{"tag":"ProtocolVersion","value":[)"
    R"({"tag":"ProtocolVersionMajor","type":"Integer","value":"0x00000001"},)"
    R"({"tag":"ProtocolVersionMinor","type":"Integer","value":4}]},)"
    R"({"tag":"BatchCount","type":"Integer","value":1}]},{"tag":"BatchItem","value":[)"
    R"({"tag":"Operation","type":"Enumeration","value":"Query"},{"tag":"RequestPayload","value":[)"
    R"({"tag":"QueryFunction","type":"Enumeration","value":"QueryObjects"}]}]}]})";

class KmipHttps : public KmipSite {
 protected:
  struct Sent {
    std::string type = "text/xml";
    std::string method = "POST";
    std::string target = "/kmip";
  };
  static Result<net::HttpResponse> send(const Identity& identity, const Sent& sent, ByteView body) {
    net::HttpClientOptions options;
    options.host = "127.0.0.1";
    options.port = https_ports_.front();
    options.tls = TRY(client_tls(site(), identity));
    net::HttpClient client(site().loop(), std::move(options));
    net::HttpCall call;
    call.method = sent.method;
    call.target = sent.target;
    if (!sent.type.empty()) call.headers.add("content-type", sent.type);
    call.body = to_bytes(body);
    return client.request(std::move(call), kDeadline);
  }
  static Result<net::HttpResponse> send(const Identity& identity, const Sent& sent, std::string_view body) {
    return send(identity, sent, as_bytes(body));
  }
};

TEST_F(KmipHttps, K21_AMessageInXmlIsAnsweredInXml) {
  const auto client = registered("xml-client");
  TW_ASSERT_OK(client);
  const auto answer = send(*client, {"text/xml; charset=utf-8"}, xml_message(kCreateAndGet, 2));
  TW_ASSERT_OK(answer);
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->headers.get("content-type"), "text/xml");
  EXPECT_EQ(answer->headers.get("cache-control"), "no-store");
  const std::string text(as_text(answer->body));
  EXPECT_THAT(text, HasSubstr("<KeyMaterial type=\"ByteString\""));
  EXPECT_THAT(text, Not(HasSubstr("OperationFailed")));
}

TEST_F(KmipHttps, K21_AMessageInJsonIsAnsweredInJson) {
  const auto client = registered("json-client");
  TW_ASSERT_OK(client);
  const auto answer = send(*client, {"application/json"}, kJsonQuery);
  TW_ASSERT_OK(answer);
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->headers.get("content-type"), "application/json");
  EXPECT_THAT(std::string(as_text(answer->body)),
              HasSubstr(R"({"tag":"ObjectType","type":"Enumeration","value":"SymmetricKey"})"));
}

TEST_F(KmipHttps, K21_TtlvInABodyIsWhatTheOtherPortSpeaks) {
  const auto client = registered("ttlv-client");
  TW_ASSERT_OK(client);
  const auto answer =
      send(*client, {"application/octet-stream"}, encode_message({create_key("HH01", "TAPE09"), get_key()}));
  TW_ASSERT_OK(answer);
  EXPECT_EQ(answer->status, 200U);
  const auto items = read_answers(answer->body);
  TW_ASSERT_OK(items);
  ASSERT_EQ(items->size(), 2U);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  const auto same = link->ask({locate_key("HH01"), get_key()});
  TW_ASSERT_OK(same);
  EXPECT_EQ(same->at(1).key(), items->at(1).key());
  EXPECT_EQ(items->at(1).key().size(), 32U);
}

TEST_F(KmipHttps, K21_BadBodiesGetARefusalInTheirEncodingAndBadRequestsAStatus) {
  const auto client = registered("bad-client");
  TW_ASSERT_OK(client);
  const auto xml = send(*client, {"text/xml"}, "<RequestMessage><Nonsense");
  TW_ASSERT_OK(xml);
  EXPECT_EQ(xml->status, 200U);
  EXPECT_THAT(std::string(as_text(xml->body)), HasSubstr("InvalidMessage"));
  const auto json =
      send(*client, {"application/json"}, R"({"tag":"RequestMessage","value":[{"tag":"NoTag","value":[]}]})");
  TW_ASSERT_OK(json);
  EXPECT_THAT(std::string(as_text(json->body)), HasSubstr("InvalidMessage"));
  const auto status = [&](const Sent& sent) {
    const auto answer = send(*client, sent, kJsonQuery);
    return answer ? answer->status : 0U;
  };
  EXPECT_EQ(status({"text/plain"}), 415U);
  EXPECT_EQ(status({""}), 415U);
  EXPECT_EQ(status({"application/json", "PUT"}), 405U);
  EXPECT_EQ(status({"application/json", "POST", "/v1/keys"}), 404U);
  EXPECT_EQ(status({"application/json"}), 200U);
}

TEST_F(KmipHttps, K21_WhoIsNotRegisteredGetsNothing) {
  const auto stranger = identity("stranger");
  TW_ASSERT_OK(stranger);
  const auto answer = send(*stranger, {"text/xml"}, xml_message(kCreateAndGet, 2));
  TW_ASSERT_OK(answer);
  const std::string text(as_text(answer->body));
  EXPECT_THAT(text, HasSubstr("AuthenticationNotSuccessful"));
  EXPECT_THAT(text, Not(HasSubstr("KeyMaterial")));
}

}  // namespace
}  // namespace tapewarden::testing

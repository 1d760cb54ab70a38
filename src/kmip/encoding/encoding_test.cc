#include <gtest/gtest.h>

#include "kmip/encoding/json.h"
#include "kmip/encoding/scalar_text.h"
#include "kmip/encoding/xml.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip::encoding {
namespace {

Bytes state_attribute() {
  ttlv::Writer out;
  out.begin(tag::kAttribute);
  out.add_text(tag::kAttributeName, "State");
  out.add_enumeration(tag::kAttributeValue, 2);
  out.end();
  return out.take();
}

TEST(Encoding, K21_AnAttributeValueIsNamedByTheAttributeNameBesideIt) {
  const auto bytes = state_attribute();
  const auto document = ttlv::decode(bytes);
  ASSERT_TRUE(document);
  EXPECT_EQ(to_xml(document->root()), R"(<Attribute><AttributeName type="TextString" value="State"/>)"
                                      R"(<AttributeValue type="Enumeration" value="Active"/></Attribute>)");
  EXPECT_EQ(to_json(document->root()),
            R"({"tag":"Attribute","value":[{"tag":"AttributeName","type":"TextString","value":"State"},)"
            R"({"tag":"AttributeValue","type":"Enumeration","value":"Active"}]})");
}

TEST(Encoding, K21_MasksAreNamesInBothEncodings) {
  ttlv::Writer out;
  out.add_integer(tag::kCryptographicUsageMask, 12);
  const auto bytes = out.take();
  const auto document = ttlv::decode(bytes);
  ASSERT_TRUE(document);
  EXPECT_EQ(to_xml(document->root()), R"(<CryptographicUsageMask type="Integer" value="Encrypt Decrypt"/>)");
  EXPECT_EQ(to_json(document->root()),
            R"({"tag":"CryptographicUsageMask","type":"Integer","value":"Encrypt|Decrypt"})");
  EXPECT_EQ(*from_json(R"({"tag":"0x42002C","type":"Integer","value":"0x0000000c"})"), bytes);
}

TEST(Encoding, K21_ATagWithoutANameIsWrittenByItsNumber) {
  ttlv::Writer out;
  out.add_boolean(ttlv::Tag{0x540001}, true);
  const auto bytes = out.take();
  const auto document = ttlv::decode(bytes);
  ASSERT_TRUE(document);
  const auto xml = to_xml(document->root());
  EXPECT_EQ(xml, R"(<TTLV tag="0x540001" type="Boolean" value="true"/>)");
  EXPECT_EQ(*from_xml(xml), bytes);
  EXPECT_EQ(*from_json(to_json(document->root())), bytes);
}

TEST(Encoding, K21_DatesKnowOffsetsFromUtc) {
  EXPECT_EQ(*parse_date("2000-02-01T00:00:00+10:00"), *parse_date("2000-01-31T14:00:00Z"));
  EXPECT_EQ(*parse_date("1970-01-01T00:00:06+00:00"), 6);
  EXPECT_EQ(date_text(6), "1970-01-01T00:00:06+00:00");
  EXPECT_EQ(*parse_extended_date("1970-01-01T00:00:01.000250+00:00"), 1'000'250);
  EXPECT_EQ(extended_date_text(1'000'250), "1970-01-01T00:00:01.000250+00:00");
}

TEST(Encoding, K21_BadTextIsRefusedAndNamed) {
  for (const auto* xml :
       {"", "<A", "<Nothing type=\"Integer\" value=\"1\"/>", "<BatchCount type=\"Integer\"/>",
        "<BatchCount type=\"Integer\" value=\"1x\"/>", "<BatchCount type=\"Number\" value=\"1\"/>",
        "<Operation type=\"Enumeration\" value=\"Fly\"/>", "<KeyMaterial type=\"ByteString\" value=\"0g\"/>",
        "<TimeStamp type=\"DateTime\" value=\"2026-13-01T00:00:00Z\"/>",
        "<BatchOrderOption type=\"Boolean\" value=\"yes\"/>",
        "<TTLV tag=\"0x1\" type=\"Boolean\" value=\"1\"/>"}) {
    const auto bytes = from_xml(xml);
    ASSERT_FALSE(bytes) << xml;
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument) << xml;
  }
  for (const auto* json :
       {"", "[]", "{}", R"({"tag":"BatchCount"})", R"({"tag":"BatchCount","type":"Integer","value":true})",
        R"({"tag":"BatchCount","type":"Integer","value":4294967296})", R"({"tag":7,"value":[]})",
        R"({"tag":"BatchItem","value":{}})", R"({"tag":"KeyMaterial","type":"ByteString","value":"abc"})"}) {
    const auto bytes = from_json(json);
    ASSERT_FALSE(bytes) << json;
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument) << json;
  }
}

TEST(Encoding, K21_DepthAndNumberOfItemsAreLimited) {
  std::string xml;
  for (int i = 0; i < 40; ++i) xml += "<BatchItem>";
  for (int i = 0; i < 40; ++i) xml += "</BatchItem>";
  const auto deep = from_xml(xml);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::kExhausted);
  ttlv::Limits limits;
  limits.items = 3;
  const auto many = from_xml("<BatchItem><BatchItem/><BatchItem/><BatchItem/></BatchItem>", limits);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace tapewarden::kmip::encoding

#include "kmip/attributes.h"

#include <gtest/gtest.h>

#include "kmip/attribute_wire.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr ProtocolVersion k10{1, 0};
constexpr ProtocolVersion k12{1, 2};
constexpr ProtocolVersion k14{1, 4};
constexpr ProtocolVersion k21{2, 1};

Bytes name_item(std::string_view value) {
  ttlv::Writer out;
  out.begin(tag::kName);
  out.add_text(tag::kNameValue, value);
  out.add_enumeration(tag::kNameType, NameType::kUninterpretedTextString);
  out.end();
  return out.take();
}

AttributeSet some() {
  AttributeSet out;
  out.add(AttributeId::of(tag::kName), name_item("ONE"));
  out.add(AttributeId::of(tag::kName), name_item("TWO"));
  out.set(AttributeId::of(tag::kCryptographicLength), integer_item(tag::kCryptographicLength, 256));
  out.add(AttributeId::of_vendor("x", "Barcode"), text_item(tag::kAttributeValue, "VOL001L9"));
  out.set(AttributeId::of(tag::kComment), text_item(tag::kComment, "no"));
  return out;
}

// Written for a version and read again.
AttributeSet through(const AttributeSet& set, const ProtocolVersion& version) {
  ttlv::Writer out;
  write_attributes(out, tag::kTemplateAttribute, set, version);
  const auto bytes = out.take();
  const auto document = ttlv::decode(bytes, {}, tag_name);
  EXPECT_TRUE(document);
  const auto given = read_attributes(document->root(), version);
  EXPECT_TRUE(given) << given.error().text();
  AttributeSet back;
  for (const auto& attribute : *given) back.add(attribute.id, attribute.item);
  return back;
}

TEST(Attributes, K21_SurviveTheWireInEveryVersionThatKnowsThem) {
  EXPECT_EQ(through(some(), k14), some());
  EXPECT_EQ(through(some(), k21), some());
  auto without_comment = some();
  without_comment.remove_all(AttributeId::of(tag::kComment));  // since 1.4
  EXPECT_EQ(through(some(), k10), without_comment);
}

TEST(Attributes, K21_SurviveTheirStorage) {
  const auto back = AttributeSet::decode(some().encode());
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, some());
  auto cut = some().encode();
  cut.pop_back();
  EXPECT_FALSE(AttributeSet::decode(cut));
}

TEST(Attributes, K21_IndexesOfDeletedValuesDoNotComeBack) {
  auto set = some();
  const auto name = AttributeId::of(tag::kName);
  ASSERT_TRUE(set.remove(name, 0));
  set.add(name, name_item("THREE"));
  EXPECT_EQ(set.find(name, 0), nullptr);
  ASSERT_NE(set.find(name, 2), nullptr);
  EXPECT_EQ(set.find(name, 2)->item, name_item("THREE"));
}

TEST(Attributes, K21_ANameOfAnotherVersionIsRefused) {
  EXPECT_TRUE(AttributeId::of_name("Alternative Name", k12));
  const auto early = AttributeId::of_name("Alternative Name", k10);
  ASSERT_FALSE(early);
  EXPECT_EQ(reason_of(early.error(), k10), ResultReason::kInvalidField);
  EXPECT_FALSE(AttributeId::of_name("x-", k14));
  EXPECT_FALSE(AttributeId::of_name("Colour", k14));
  EXPECT_FALSE(AttributeId::of_name("x-" + std::string(300, 'a'), k14));
  EXPECT_EQ(AttributeId::of_name("x-Barcode", k14)->text(), "x-Barcode");
}

TEST(Attributes, K21_AWrongTypeOrAMissingFieldIsNamed) {
  const auto refused = [](const Bytes& item) {
    const auto document = ttlv::decode(item, {}, tag_name);
    EXPECT_TRUE(document);
    const auto read = read_attribute(document->root(), k21);
    EXPECT_FALSE(read);
    return read ? Error{} : read.error();
  };
  EXPECT_EQ(refused(text_item(tag::kCryptographicLength, "256")).field, "Cryptographic Length");
  ttlv::Writer name;
  name.begin(tag::kName);
  name.add_text(tag::kNameValue, "ONE");
  name.end();
  EXPECT_EQ(refused(name.take()).field, "NameType");
  ttlv::Writer nested;
  nested.begin(tag::kAttribute);
  nested.add_text(tag::kVendorIdentification, "x");
  nested.add_text(tag::kAttributeName, "Deep");
  nested.begin(tag::kAttributeValue).begin(tag::kName).end().end();
  nested.end();
  EXPECT_EQ(refused(nested.take()).field, "Attribute Value");
}

TEST(Attributes, K21_OlderVersionsAreToldTheReasonThatTheyKnow) {
  const auto error = refuse(ResultReason::kWrongKeyLifecycleState, "no").error();
  EXPECT_EQ(reason_of(error, k21), ResultReason::kWrongKeyLifecycleState);
  EXPECT_EQ(reason_of(error, k14), ResultReason::kPermissionDenied);
  EXPECT_EQ(reason_of(fail(ErrorCode::kNotFound, "no").error(), k14), ResultReason::kItemNotFound);
}

}  // namespace
}  // namespace tapewarden::kmip

// K20: the text files of an old installation: properties, key groups, drives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keymgr/migration/ekm_drive_table.h"
#include "keymgr/migration/ekm_key_groups.h"
#include "keymgr/migration/java_properties.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JavaProperties, K20_TheFormatIsReadAsJavaReadsIt) {
  const auto read = read_java_properties(
      "# comment = no\n! another\n\n  a = 1 \nb:2\r\nc 3\rd\nlong = x,\\\n    y,\\\r\n\tz\n"
      "e\\=f\\ g = h\nu = \\u00e9\\t\\\\\nback = c\\:\\\\dir\\\\\n");
  ASSERT_TRUE(read) << read.error().text();
  std::vector<std::pair<std::string, std::string>> got;
  for (const auto& one : *read) got.emplace_back(one.key, one.value);
  using P = std::pair<std::string, std::string>;
  EXPECT_THAT(got, ElementsAre(P("a", "1 "), P("b", "2"), P("c", "3"), P("d", ""), P("long", "x,y,z"),
                               P("e=f g", "h"), P("u", "\xC3\xA9\t\\"), P("back", "c:\\dir\\")));
  EXPECT_EQ(read->front().line, 4U);
  EXPECT_EQ(read->at(4).line, 8U);
  EXPECT_EQ(read->at(5).line, 11U);
}

TEST(JavaProperties, K20_NonsenseIsRefusedOrHarmless) {
  EXPECT_TRUE(read_java_properties("")->empty());
  EXPECT_EQ(read_java_properties("a=\\")->front().value, "");
  EXPECT_EQ(read_java_properties("=x")->front().key, "");
  for (const char* text : {"a=\\u12", "a=\\u12g4", "\\u = x", "x\n\ny = \\uzzzz"}) {
    const auto read = read_java_properties(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().field, "properties");
  }
  EXPECT_THAT(read_java_properties("x\n\ny = \\uzzzz").error().message, HasSubstr("line 3"));
  EXPECT_EQ(read_java_properties(std::string(kMaximumPropertiesBytes + 1, 'a')).error().code,
            ErrorCode::kExhausted);
  std::string many;
  for (std::size_t i = 0; i <= kMaximumProperties; ++i) many += "a\n";
  EXPECT_EQ(read_java_properties(many).error().code, ErrorCode::kExhausted);
}

TEST(JavaProperties, K20_PasswordsAreNotKept) {
  const auto read = read_java_properties(
      "config.keystore.password = sesame\nAdmin.ssl.keystore.PassWord:opensesame\n"
      "config.truststore.p\\u0061ssword=open\\\n   sesame \\u12\nafter = 1\n");
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(read->at(i).value, "") << read->at(i).key;
  EXPECT_EQ(read->at(2).key, "config.truststore.password");
  EXPECT_EQ(read->at(3).value, "1");
}

TEST(EkmKeyGroups, K20_SeveralShapesAreRead) {
  for (const char* text :
       {"<KeyGroups><KeyGroup groupID=\"g1\"><KeyAlias>aes00</KeyAlias><KeyAlias>KEY1</KeyAlias></KeyGroup>"
        "<KeyGroup groupID=\"g2\"/></KeyGroups>",
        "<keygroups><group><name>g1</name><aliases><alias name=\"aes00\"/><alias name=\"key1\"/></aliases>"
        "</group><group><name> g2 </name></group></keygroups>",
        "<a:KeyGroupList xmlns:a=\"x\"><a:KeyGroup id='g1' lastKey='aes00'><key alias='aes00'/>"
        "<key alias='key1'/></a:KeyGroup><a:KeyGroup id='g2'/></a:KeyGroupList>"}) {
    const auto groups = read_ekm_key_groups(text);
    ASSERT_TRUE(groups) << groups.error().text() << text;
    ASSERT_EQ(groups->size(), 2U) << text;
    EXPECT_EQ(groups->front().name, "g1");
    EXPECT_THAT(groups->front().aliases, ElementsAre("AES00", "KEY1")) << text;
    EXPECT_EQ(groups->back().name, "g2");
    EXPECT_TRUE(groups->back().aliases.empty());
  }
}

TEST(EkmKeyGroups, K20_RangesDoublesAndFaults) {
  const auto groups = read_ekm_key_groups(
      "<KeyGroups><KeyGroup id=\"g\"><Alias>aes00-02</Alias><Alias>aes01</Alias>"
      "<Alias>AES000000000000000001</Alias><Alias>much too long for one</Alias></KeyGroup></KeyGroups>");
  ASSERT_TRUE(groups) << groups.error().text();
  EXPECT_THAT(groups->front().aliases, ElementsAre("AES000000000000000000", "AES000000000000000001",
                                                   "AES000000000000000002", "AES01"));
  ASSERT_EQ(groups->front().faults.size(), 1U);
  EXPECT_THAT(groups->front().faults.front(), HasSubstr("much too long"));
}

TEST(EkmKeyGroups, K20_BadFilesAreRefused) {
  for (const char* text : {"", "text", "<KeyGroups>", "<KeyGroups/>", "<a><b id=\"g\"/></a>",
                           "<KeyGroups><KeyGroup id=\"g\"><Alias>x</Alias></KeyGroups>"}) {
    const auto groups = read_ekm_key_groups(text);
    ASSERT_FALSE(groups) << text;
    EXPECT_EQ(groups.error().field, "key_groups");
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<group id=\"a\">";
  for (int i = 0; i < 100; ++i) deep += "</group>";
  EXPECT_EQ(read_ekm_key_groups(deep).error().code, ErrorCode::kExhausted);
  for (const std::string last : {"3FFFF", "FFFFF"}) {
    const auto many = "<g><Group id='a'><Alias>aaa00000-" + last + "</Alias></Group></g>";
    EXPECT_EQ(read_ekm_key_groups(many).error().code, ErrorCode::kExhausted);
  }
  const auto entities = read_ekm_key_groups(
      "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><g><Group "
      "id=\"a\"><Alias>&x;</Alias></Group></g>");
  ASSERT_TRUE(entities);
  EXPECT_THAT(entities->front().aliases, ElementsAre("&X;")) << "nothing that it declares is resolved";
}

TEST(EkmDrives, K20_ListingsAreRead) {
  const auto drives = read_ekm_drives(
      "Drive entries: 3\n  SerialNumber = 000001365054\n  SerialNumber = 1300000123\n\nEntry Key: Wwn = "
      "57574e414d453030\n"
      "Entry Key: AliasTwo = cert 2\nEntry Key: AliasOne = null\nTimeStamp : Sun Jul 03 17:34:44 MST 2007\n"
      "Drivename = FVTDRIVE0000\nSymRec = group one\n");
  ASSERT_TRUE(drives) << drives.error().text();
  ASSERT_EQ(drives->size(), 3U);
  EXPECT_EQ(drives->at(0).serial, "000001365054");
  EXPECT_EQ(drives->at(1).serial, "001300000123");
  EXPECT_EQ(drives->at(1).line, 3U);
  EXPECT_EQ(drives->at(1).wwnn, "57574E414D453030");
  EXPECT_EQ(drives->at(1).label_1, "");
  EXPECT_EQ(drives->at(1).label_2, "cert 2");
  EXPECT_EQ(drives->at(2).key, "group one");
  for (const auto& drive : *drives) EXPECT_EQ(drive.fault, "");
}

TEST(EkmDrives, K20_BadDrivesAreNamedAndBadFilesRefused) {
  const auto drives = read_ekm_drives(
      "SerialNumber = short\nSerialNumber = 000001365054\nWWN = no hex\nAliasOne = " + std::string(65, 'x') +
      "\n");
  ASSERT_TRUE(drives);
  EXPECT_NE(drives->at(0).fault, "");
  EXPECT_THAT(drives->at(1).fault, HasSubstr("world wide"));
  EXPECT_EQ(read_ekm_drives("").error().field, "drive_table");
  EXPECT_EQ(read_ekm_drives("AliasOne = x\n").error().code, ErrorCode::kInvalidArgument);
  const auto binary = read_ekm_drives(std::string_view("\xAC\xED\x00\x05sr", 6));
  EXPECT_EQ(binary.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(binary.error().remedy, HasSubstr("listdrives"));
  std::string many;
  for (std::size_t i = 0; i <= kMaximumOldDrives; ++i) many += "SerialNumber = 000001365054\n";
  EXPECT_EQ(read_ekm_drives(many).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing

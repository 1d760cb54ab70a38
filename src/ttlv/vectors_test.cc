// Encodings made by others: the examples of KMIP Specification 1.0 section 9.1.2, and whole KMIP messages.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <sstream>

#include "ttlv/testing/rewrite.h"

namespace tapewarden::ttlv {
namespace {

std::filesystem::path vectors() {
  const char* given = std::getenv("TAPEWARDEN_VECTORS");
  const std::filesystem::path root =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(TAPEWARDEN_SOURCE_ROOT) / ".." / "shared" / "kmip-vectors";
  return root / "testcases-hex";
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class Vectors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(vectors())) {
      GTEST_SKIP() << "no KMIP vectors at " << vectors() << ": set TAPEWARDEN_VECTORS to their folder";
    }
  }
  // Each match of `pattern` in the file, as its groups.
  static std::vector<std::smatch> matches(const std::string& text, const char* pattern) {
    const std::regex regex(pattern);
    return {std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()};
  }
};

void expect_example(const std::string& type, const std::string& value, const Bytes& bytes) {
  SCOPED_TRACE(type + " " + value);
  const auto document = decode(bytes);
  ASSERT_TRUE(document) << document.error().text();
  const Item item = document->root();
  EXPECT_EQ(testing::rewritten(*document), bytes);
  if (type == "Structure") {
    EXPECT_EQ(*item.find(Tag{0x420004})->as_enumeration(), 254U);
    EXPECT_EQ(*item.find(Tag{0x420005})->as_integer(), 255);
    EXPECT_FALSE(item.find(Tag{0x420006}));
    return;
  }
  EXPECT_EQ(item.tag(), Tag{0x420020});
  if (type == "Integer") {
    EXPECT_EQ(*item.as_integer(), std::stoi(value));
  }
  if (type == "LongInteger") {
    EXPECT_EQ(*item.as_long_integer(), std::stoll(value));
  }
  if (type == "BigInteger") {
    EXPECT_EQ(to_hex(*item.as_big_integer()), "0000000003fd35eb6bc2df4618080000");
  }
  if (type == "Enumeration") {
    EXPECT_EQ(*item.as_enumeration(), std::stoul(value));
  }
  if (type == "Boolean") {
    EXPECT_TRUE(*item.as_boolean());
  }
  if (type == "TextString") {
    EXPECT_EQ(*item.as_text(), value);
  }
  if (type == "ByteString") {
    EXPECT_EQ(to_hex(*item.as_bytes()), value);
  }
  if (type == "DateTime") {
    EXPECT_EQ(*item.as_date_time(), 1205495800);
  }
  if (type == "Interval") {
    EXPECT_EQ(*item.as_interval(), std::stoul(value));
  }
}

TEST_F(Vectors, K21_ExamplesOfTheSpecificationDecodeAndEncode) {
  const auto text = content(vectors() / "ttlv-encoding-examples.json");
  const auto rows = matches(text, R"re("type":"(\w+)","value":"?([^"]*?)"?,"hex":"([0-9A-Fa-f]+)")re");
  EXPECT_EQ(rows.size(), 10U);
  for (const auto& row : rows) expect_example(row[1], row[2], *from_hex(row[3].str()));
}

TEST_F(Vectors, K21_WholeMessagesDecodeAndEncode) {
  const auto text = content(vectors() / "kmip-1.1-messages.json");
  const auto rows = matches(text, R"re("kind": *"(\w+)"[^}]*?"hex": *"([0-9A-Fa-f]+)")re");
  EXPECT_EQ(rows.size(), 14U);
  std::vector<std::string> refusals;
  for (const auto& row : rows) {
    const Bytes bytes = *from_hex(row[2].str());
    const auto document = decode(bytes);
    if (!document) {
      refusals.push_back(document.error().text());
      continue;
    }
    EXPECT_EQ(document->root().tag(), row[1] == "request" ? Tag{0x420078} : Tag{0x42007B});
    EXPECT_EQ(*message_size(ByteView(bytes).first(kHeaderBytes), bytes.size()), bytes.size());
    EXPECT_EQ(testing::rewritten(*document), bytes);
  }
  // One response in the collection is cut on purpose: its batch item says 128 bytes and has 32.
  EXPECT_EQ(refusals,
            std::vector<std::string>{"item reaches beyond what contains it at byte 88 [tag 42000F]"});
}

}  // namespace
}  // namespace tapewarden::ttlv

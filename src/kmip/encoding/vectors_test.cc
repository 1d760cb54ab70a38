// The XML of the OASIS test cases: each message becomes TTLV and comes back the same, by XML and by JSON.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <pugixml.hpp>
#include <regex>
#include <sstream>

#include "kmip/encoding/json.h"
#include "kmip/encoding/xml.h"
#include "kmip/message.h"
#include "kmip/tags.h"

namespace tapewarden::kmip::encoding {
namespace {

namespace fs = std::filesystem;

fs::path vectors() {
  const char* given = std::getenv("TAPEWARDEN_VECTORS");
  return given != nullptr ? fs::path(given)
                          : fs::path(TAPEWARDEN_SOURCE_ROOT) / ".." / "shared" / "kmip-vectors";
}

std::string content(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// What the cases leave to whoever runs them.
std::string filled_in(std::string text) {
  text = std::regex_replace(text, std::regex(R"(type="DateTime" value="\$NOW[^"]*")"),
                            R"(type="DateTime" value="2026-11-21T10:00:00+00:00")");
  text = std::regex_replace(text, std::regex(R"(type="ByteString" value="\$[^"]*")"),
                            R"(type="ByteString" value="0123456789abcdef")");
  return text;
}

std::vector<fs::path> cases() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(vectors())) {
    if (entry.path().extension() == ".xml") out.push_back(entry.path());
  }
  return out;
}

void expect_round_trip(const std::string& xml) {
  const auto bytes = from_xml(xml);
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto document = ttlv::decode(*bytes);
  ASSERT_TRUE(document) << document.error().text();
  const auto by_xml = from_xml(to_xml(document->root()));
  ASSERT_TRUE(by_xml) << by_xml.error().text();
  EXPECT_EQ(*by_xml, *bytes);
  const auto by_json = from_json(to_json(document->root()));
  ASSERT_TRUE(by_json) << by_json.error().text();
  EXPECT_EQ(*by_json, *bytes);
  if (document->root().tag() != tag::kRequestMessage) return;
  const auto request = decode_request(*document);
  EXPECT_TRUE(request) << request.error().text();
}

TEST(OasisMessages, K21_EveryMessageOfTheTestCasesComesThroughXmlAndJson) {
  if (!fs::is_directory(vectors())) {
    GTEST_SKIP() << "no KMIP vectors at " << vectors() << ": set TAPEWARDEN_VECTORS to their folder";
  }
  std::size_t messages = 0;
  for (const auto& path : cases()) {
    SCOPED_TRACE(path.filename().string());
    pugi::xml_document file;
    ASSERT_TRUE(file.load_string(filled_in(content(path)).c_str()));
    for (const auto& message : file.document_element().children()) {
      if (message.type() != pugi::node_element) continue;
      std::ostringstream text;
      message.print(text, "", pugi::format_raw);
      expect_round_trip(text.str());
      ++messages;
    }
  }
  EXPECT_GT(messages, 1000U);
}

}  // namespace
}  // namespace tapewarden::kmip::encoding
